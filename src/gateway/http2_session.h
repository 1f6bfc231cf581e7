// One HTTP/2 connection (RFC 9113), as its server or as its client, over bytes that somebody else carries. nghttp2
// knows the protocol; this gives values, and lets a slow receiver slow the sender down: what has come is acknowledged
// only when it is said to have gone on. Everything happens on one thread.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "net/byte_stream.h"
#include "net/http_message.h"
#include "net/task.h"

namespace blindai::gateway {

using Http2Stream = std::int32_t;

// Error codes of RFC 9113 section 7.
inline constexpr std::uint32_t kHttp2Cancel = 8;
inline constexpr std::uint32_t kHttp2RefusedStream = 7;
// Of the streams of a connection that broke; no code of the protocol.
inline constexpr std::uint32_t kHttp2ConnectionLost = UINT32_MAX;

class Http2Session {
 public:
  enum class Side { kServer, kClient };

  // What comes. None of it may destroy the session.
  class Listener {
   public:
    virtual ~Listener() = default;
    // Pseudo-header fields (":path") first. A second time on a stream: its trailers. `is_last`: OnEnd follows at once.
    virtual void OnHeaders(Http2Stream stream, net::HeaderList headers, bool is_last) = 0;
    virtual void OnData(Http2Stream stream, base::ByteView bytes) = 0;
    // The other side says no more on this stream.
    virtual void OnEnd(Http2Stream stream) = 0;
    // So much of what Send was given has been written, or will never be.
    virtual void OnSent(Http2Stream stream, std::size_t count) = 0;
    // The stream is over in both directions; 0 is a good end. It is the last word about it.
    virtual void OnClosed(Http2Stream stream, std::uint32_t error) = 0;
  };

  // The listener outlives it.
  Http2Session(Side side, std::unique_ptr<net::ByteStream> bytes, Listener& listener);
  ~Http2Session();

  // Reads and writes until the connection is over; then every stream that was open is closed. Once.
  net::Task<void> Run();

  // A request; nothing when the connection takes no more.
  std::optional<Http2Stream> Request(const net::HeaderList& headers);
  // An answer's beginning. With `and_end` it is the whole of it.
  void Answer(Http2Stream stream, const net::HeaderList& headers, bool and_end);
  void Send(Http2Stream stream, base::ByteView bytes);
  // Says no more on this stream; trailers may be empty.
  void End(Http2Stream stream, const net::HeaderList& trailers);
  void Reset(Http2Stream stream, std::uint32_t error);
  // What OnData gave has gone on, so that the other side may send as much again.
  void Taken(Http2Stream stream, std::size_t count);

  // No new streams; those that are open go on, and with the last one the connection ends.
  void GoAway();
  // Whether requests are still taken.
  bool takes_requests() const;

 private:
  struct Hooks;  // what nghttp2 calls
  struct Open {
    net::HeaderList incoming;
    std::deque<base::Bytes> unsent;
    std::size_t offset = 0;  // of the first of them
    bool ended = false;
    net::HeaderList trailers;
  };

  net::Task<void> ReadLoop();
  net::Task<void> WriteLoop();
  bool WantsMore() const;
  void Wake();
  void Close(Http2Stream stream, std::uint32_t error);

  const Side side_;
  const std::unique_ptr<net::ByteStream> bytes_;
  Listener& listener_;
  void* session_ = nullptr;  // nghttp2_session
  std::map<Http2Stream, Open> open_;
  std::unique_ptr<boost::asio::steady_timer>
      idle_;  // of the writer; never fires, is only there to be cancelled
  bool woken_ = false;
  bool over_ = false;
};

}  // namespace blindai::gateway
