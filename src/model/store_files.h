// What the model store does to its folder, as a small interface: a test records every operation and replays every
// state that a power failure between two of them may leave behind (model_store_test.cc).
//
// What counts after a crash: the content of a file since its last Sync, and the names in the folder since the last
// SyncFolder. Everything later may be there, in part, or not at all, in any order.
//
// Codes of all: store-full (no space left), store-read-only (the system does not let us write), store-failed (any other
// failure), and of OpenFile store-file-missing.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::model {

class StoreFiles {
 public:
  class Output {
   public:
    virtual ~Output() = default;
    virtual base::Status Append(base::ByteView bytes) = 0;
    virtual base::Status Sync() = 0;
  };
  class Input {
   public:
    virtual ~Input() = default;
    // Fills the span as far as the file goes.
    virtual base::Result<std::size_t> Read(std::span<std::uint8_t> out) = 0;
  };
  struct Entry {
    std::string name;
    std::uint64_t bytes = 0;
  };

  virtual ~StoreFiles() = default;
  // A new file; one with this name is an error (store-failed).
  virtual base::Result<std::unique_ptr<Output>> Create(const std::string& name) = 0;
  virtual base::Result<std::unique_ptr<Input>> OpenFile(const std::string& name) = 0;
  // In the place of a file of that name.
  virtual base::Status Rename(const std::string& from, const std::string& to) = 0;
  // One that is not there is no error.
  virtual base::Status Remove(const std::string& name) = 0;
  virtual base::Status SyncFolder() = 0;
  // The plain files of the folder.
  virtual base::Result<std::vector<Entry>> List() = 0;
};

// A folder of the disk, kept for one process by a lock (flock(2)). Files are 0600 and never follow a symbolic link.
class PosixStoreFiles final : public StoreFiles {
 public:
  // Codes: store-folder (it is not there, or is no folder), store-in-use (another server has it).
  static base::Result<std::unique_ptr<PosixStoreFiles>> Open(const std::string& folder);
  ~PosixStoreFiles() override;
  PosixStoreFiles(const PosixStoreFiles&) = delete;
  PosixStoreFiles& operator=(const PosixStoreFiles&) = delete;

  base::Result<std::unique_ptr<Output>> Create(const std::string& name) override;
  base::Result<std::unique_ptr<Input>> OpenFile(const std::string& name) override;
  base::Status Rename(const std::string& from, const std::string& to) override;
  base::Status Remove(const std::string& name) override;
  base::Status SyncFolder() override;
  base::Result<std::vector<Entry>> List() override;

 private:
  explicit PosixStoreFiles(int folder) : folder_(folder) {}
  const int folder_;
};

// The error of an operation that the system refused with this errno.
base::Error StoreError(int error_number);

}  // namespace blindai::model
