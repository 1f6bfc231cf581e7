// The gateway's door for Wyoming, the protocol of Home Assistant's voice assistants (wire/wyoming.h): what is spoken
// goes to the verified server as one recording, while it is spoken, and its text comes back as it grows. The protocol
// knows neither a token nor a host, so the door is for loopback only, and a browser's request ends at its first line.
// While the verdict is not good, a conversation gets the reason as an event `error` and is closed; so is one that the
// server refuses.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gateway/upstream.h"
#include "net/http_exchange.h"
#include "net/task.h"

namespace blindai::gateway {

struct WyomingOptions {
  // Where it listens: a numeric address of loopback.
  std::string address = "127.0.0.1";
  std::uint16_t port = 10300;
  // For a conversation that names no model; empty: the server chooses, as for every transcription.
  std::string model;
  // What the models understand, ISO 639-1; told to who asks.
  std::vector<std::string> languages = {"en"};
};

class WyomingDoor {
 public:
  // `upstream` outlives it.
  WyomingDoor(WyomingOptions options, Upstream& upstream)
      : options_(std::move(options)), upstream_(upstream) {}

  // One connection of raw bytes (net/http_server.h), from its first to its end.
  net::Task<void> Handle(net::HttpExchange& exchange);

 private:
  const WyomingOptions options_;
  Upstream& upstream_;
};

}  // namespace blindai::gateway
