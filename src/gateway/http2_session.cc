#include "gateway/http2_session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <exception>
#include <string_view>
#include <utility>
#include <vector>

#include "net/callback_queue.h"

namespace blindai::gateway {
namespace {

namespace asio = boost::asio;
using base::ByteView;
using base::Done;
using base::Result;
using base::Status;
using net::HeaderList;

constexpr std::size_t kBlock = 64 * 1024;
// What may be on its way and not yet taken: of one stream, and of all together.
constexpr std::int32_t kStreamWindow = 1 << 20;
constexpr std::int32_t kConnectionWindow = 4 << 20;
constexpr std::uint32_t kMaxStreams = 100;

nghttp2_session* Raw(void* session) { return static_cast<nghttp2_session*>(session); }

// nghttp2 copies them.
std::vector<nghttp2_nv> FieldsOf(const HeaderList& headers) {
  std::vector<nghttp2_nv> fields;
  for (const auto& [name, value] : headers.fields()) {
    const auto bytes = [](const std::string& text) {
      return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
    };
    // A key is not kept in the table that compresses later fields (RFC 7541 section 7.1.3).
    const bool is_secret = name == "authorization";
    fields.push_back(
        {bytes(name), bytes(value), name.size(), value.size(),
         static_cast<std::uint8_t>(is_secret ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE)});
  }
  return fields;
}

}  // namespace

struct Http2Session::Hooks {
  static Http2Session& Of(void* user) { return *static_cast<Http2Session*>(user); }

  static int BeginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_HEADERS) Of(user).open_[frame->hd.stream_id].incoming = HeaderList();
    return 0;
  }

  static int Header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                    void* user) {
    auto& open = Of(user).open_;
    const auto found = open.find(frame->hd.stream_id);
    if (frame->hd.type != NGHTTP2_HEADERS || found == open.end()) return 0;
    found->second.incoming.Add(std::string(base::AsText({name, name_size})),
                               std::string(base::AsText({value, value_size})));
    return 0;
  }

  static int FrameReceived(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Session& self = Of(user);
    const Http2Stream stream = frame->hd.stream_id;
    const auto found = self.open_.find(stream);
    if (found == self.open_.end()) return 0;
    const bool is_headers = frame->hd.type == NGHTTP2_HEADERS;
    const bool is_last =
        (is_headers || frame->hd.type == NGHTTP2_DATA) && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (is_headers) {
      HeaderList headers = std::exchange(found->second.incoming, HeaderList());
      self.listener_.OnHeaders(stream, std::move(headers), is_last);
    }
    if (is_last) self.listener_.OnEnd(stream);
    return 0;
  }

  static int Data(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes,
                  std::size_t size, void* user) {
    Of(user).listener_.OnData(stream, {bytes, size});
    return 0;
  }

  static int Closed(nghttp2_session*, std::int32_t stream, std::uint32_t error, void* user) {
    Of(user).Close(stream, error);
    return 0;
  }

  // A request that waited for its turn, and was cancelled or met the end of the connection.
  static int NotSent(nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
      Of(user).Close(frame->hd.stream_id, kHttp2RefusedStream);
    return 0;
  }

  // The next bytes of a stream for the wire.
  static ssize_t Next(nghttp2_session* session, std::int32_t stream, std::uint8_t* into, std::size_t size,
                      std::uint32_t* flags, nghttp2_data_source*, void* user) {
    Http2Session& self = Of(user);
    const auto found = self.open_.find(stream);
    if (found == self.open_.end()) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    Open& open = found->second;
    std::size_t count = 0;
    while (count < size && !open.unsent.empty()) {
      const base::Bytes& first = open.unsent.front();
      const std::size_t piece = std::min(size - count, first.size() - open.offset);
      std::memcpy(into + count, first.data() + open.offset, piece);
      count += piece;
      open.offset += piece;
      if (open.offset < first.size()) break;
      open.unsent.pop_front();
      open.offset = 0;
    }
    if (count == 0 && !open.ended) return NGHTTP2_ERR_DEFERRED;
    if (open.unsent.empty() && open.ended) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!open.trailers.fields().empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const std::vector<nghttp2_nv> fields = FieldsOf(open.trailers);
        nghttp2_submit_trailer(session, stream, fields.data(), fields.size());
      }
    }
    if (count > 0) self.listener_.OnSent(stream, count);
    return static_cast<ssize_t>(count);
  }

  static nghttp2_data_provider Provider() { return {.source = {.ptr = nullptr}, .read_callback = Next}; }
};

Http2Session::Http2Session(Side side, std::unique_ptr<net::ByteStream> bytes, Listener& listener)
    : side_(side), bytes_(std::move(bytes)), listener_(listener) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* options = nullptr;
  BLINDAI_CHECK(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&options) == 0);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Hooks::BeginHeaders);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Hooks::Header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Hooks::FrameReceived);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Hooks::Data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Hooks::Closed);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, Hooks::NotSent);
  nghttp2_option_set_no_auto_window_update(options, 1);
  nghttp2_session* session = nullptr;
  const auto make = side == Side::kServer ? nghttp2_session_server_new2 : nghttp2_session_client_new2;
  BLINDAI_CHECK(make(&session, callbacks, this, options) == 0);
  session_ = session;
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(options);
  const std::array<nghttp2_settings_entry, 2> settings = {
      {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(kStreamWindow)},
       side == Side::kServer ? nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kMaxStreams}
                             : nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}}};
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

Http2Session::~Http2Session() { nghttp2_session_del(Raw(session_)); }

net::Task<void> Http2Session::Run() {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  idle_ = std::make_unique<asio::steady_timer>(executor);
  net::CallbackQueue<Done> written(executor);
  asio::co_spawn(executor, WriteLoop(),
                 [push = written.pusher()](const std::exception_ptr&) { push(Done{}); });
  co_await ReadLoop();
  co_await written.Pop();
  over_ = true;
  while (!open_.empty()) Close(open_.begin()->first, kHttp2ConnectionLost);
}

net::Task<void> Http2Session::ReadLoop() {
  base::Bytes block(kBlock);
  while (nghttp2_session_want_read(Raw(session_)) != 0) {
    const std::span<std::uint8_t> space(block);
    const Result<std::size_t> count = co_await bytes_->ReadSome(space);
    if (!count.ok() || *count == 0) {
      // Whoever ends its sending has left.
      over_ = true;
      bytes_->Close();
      break;
    }
    if (nghttp2_session_mem_recv(Raw(session_), block.data(), *count) < 0) {
      over_ = true;
      break;
    }
    Wake();
  }
  Wake();
}

net::Task<void> Http2Session::WriteLoop() {
  base::Bytes block;
  while (true) {
    block.clear();
    const std::uint8_t* piece = nullptr;
    ssize_t size = 0;
    while (block.size() < kBlock && (size = nghttp2_session_mem_send(Raw(session_), &piece)) > 0)
      block.insert(block.end(), piece, piece + size);
    if (!block.empty()) {
      const Status written = co_await bytes_->Write(block);
      if (!written.ok()) break;
      continue;
    }
    if (size < 0 || over_ || !WantsMore()) break;
    if (!std::exchange(woken_, false)) {
      idle_->expires_at(asio::steady_timer::time_point::max());
      const auto token = asio::as_tuple(asio::use_awaitable);
      const auto cancelled = co_await idle_->async_wait(token);
      (void)cancelled;
      woken_ = false;
    }
  }
  over_ = true;
  bytes_->Close();
}

bool Http2Session::WantsMore() const {
  return nghttp2_session_want_read(Raw(session_)) != 0 || nghttp2_session_want_write(Raw(session_)) != 0;
}

void Http2Session::Wake() {
  woken_ = true;
  if (idle_) idle_->cancel();
}

void Http2Session::Close(Http2Stream stream, std::uint32_t error) {
  const auto found = open_.find(stream);
  if (found == open_.end()) return;
  std::size_t unsent = 0;
  for (const base::Bytes& chunk : found->second.unsent) unsent += chunk.size();
  unsent -= found->second.offset;
  open_.erase(found);
  if (unsent > 0) listener_.OnSent(stream, unsent);
  listener_.OnClosed(stream, error);
}

std::optional<Http2Stream> Http2Session::Request(const HeaderList& headers) {
  if (!takes_requests()) return std::nullopt;
  const std::vector<nghttp2_nv> fields = FieldsOf(headers);
  const nghttp2_data_provider provider = Hooks::Provider();
  const Http2Stream stream =
      nghttp2_submit_request(Raw(session_), nullptr, fields.data(), fields.size(), &provider, nullptr);
  if (stream < 0) return std::nullopt;
  open_[stream];
  Wake();
  return stream;
}

void Http2Session::Answer(Http2Stream stream, const HeaderList& headers, bool and_end) {
  if (over_ || !open_.contains(stream)) return;
  const std::vector<nghttp2_nv> fields = FieldsOf(headers);
  const nghttp2_data_provider provider = Hooks::Provider();
  nghttp2_submit_response(Raw(session_), stream, fields.data(), fields.size(), and_end ? nullptr : &provider);
  Wake();
}

void Http2Session::Send(Http2Stream stream, ByteView bytes) {
  const auto found = open_.find(stream);
  if (over_ || found == open_.end()) return listener_.OnSent(stream, bytes.size());
  found->second.unsent.push_back(base::CopyBytes(bytes));
  nghttp2_session_resume_data(Raw(session_), stream);
  Wake();
}

void Http2Session::End(Http2Stream stream, const HeaderList& trailers) {
  const auto found = open_.find(stream);
  if (over_ || found == open_.end()) return;
  found->second.ended = true;
  found->second.trailers = trailers;
  nghttp2_session_resume_data(Raw(session_), stream);
  Wake();
}

void Http2Session::Reset(Http2Stream stream, std::uint32_t error) {
  if (over_ || !open_.contains(stream)) return;
  nghttp2_submit_rst_stream(Raw(session_), NGHTTP2_FLAG_NONE, stream, error);
  Wake();
}

void Http2Session::Taken(Http2Stream stream, std::size_t count) {
  if (over_) return;
  nghttp2_session_consume(Raw(session_), stream, count);
  Wake();
}

void Http2Session::GoAway() {
  if (over_) return;
  nghttp2_submit_goaway(Raw(session_), NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(Raw(session_)), NGHTTP2_NO_ERROR, nullptr, 0);
  Wake();
}

bool Http2Session::takes_requests() const {
  return !over_ && nghttp2_session_check_request_allowed(Raw(session_)) != 0;
}

}  // namespace blindai::gateway
