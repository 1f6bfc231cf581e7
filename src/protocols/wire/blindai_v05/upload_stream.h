// SendModel's stream of messages: the first one says what comes, each brings a piece of the file. The length that a
// client declares is a promise to be checked, never a size to reserve.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "securedexchange.pb.h"

namespace blindai::wire {

class UploadStream {
 public:
  // Takes the first message's word for id, length and sign; its piece still goes through Next(). Code: length-missing
  // (declared as 0 with data in hand).
  static base::Result<UploadStream> Begin(const securedexchange::SendModelRequest& first);

  // The next piece, borrowed from the message. Codes: upload-length (more than was declared), too-many-messages.
  base::Result<base::ByteView> Next(const securedexchange::SendModelRequest& message);

  // model_id, else model_name, else empty: then the server chooses one.
  const std::string& id() const { return id_; }
  std::uint64_t length() const { return length_; }
  bool sign() const { return sign_; }

 private:
  std::string id_;
  std::uint64_t length_ = 0;
  bool sign_ = false;
  std::uint64_t messages_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace blindai::wire
