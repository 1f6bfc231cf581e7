// Makes the payload of Nitro documents, good unless a test bends it. fake_nitro.h signs.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "encoding/cbor.h"

namespace blindai::tests {

struct NitroPayload {
  std::string module_id = "i-0123456789abcdef0-enc0123456789abcdef";
  std::string digest = "SHA384";
  std::uint64_t timestamp_ms = 1'750'000'000'000;
  std::vector<std::pair<std::uint64_t, base::Bytes>> pcrs;
  base::Bytes certificate = {0x30, 0x00};
  std::vector<base::Bytes> cabundle = {{0x30, 0x00}};
  std::optional<base::Bytes> public_key;
  std::optional<base::Bytes> user_data;
  std::optional<base::Bytes> nonce;
  std::string left_out;     // a key that is not written
  bool indefinite = false;  // as hardware of 2025 writes the map

  // PCR 0 to 15; 0 to 2 are 1, 2 and 3 in every byte, the others zero.
  NitroPayload() {
    for (std::uint64_t i = 0; i < 16; ++i) {
      pcrs.emplace_back(i, base::Bytes(48, i < 3 ? static_cast<std::uint8_t>(i + 1) : std::uint8_t{0}));
    }
  }

  base::Bytes Build() const {
    base::Bytes out;
    std::uint64_t count = 0;
    const auto key = [&](std::string_view name) {
      if (name == left_out) return false;
      ++count;
      encoding::CborWriter writer;
      writer.Text(name);
      Append(out, std::move(writer).Take());
      return true;
    };
    const auto put = [&](encoding::CborWriter&& writer) { Append(out, std::move(writer).Take()); };
    if (key("module_id")) put(std::move(encoding::CborWriter().Text(module_id)));
    if (key("digest")) put(std::move(encoding::CborWriter().Text(digest)));
    if (key("timestamp")) put(std::move(encoding::CborWriter().Unsigned(timestamp_ms)));
    if (key("pcrs")) {
      encoding::CborWriter writer;
      writer.Map(pcrs.size());
      for (const auto& [index, value] : pcrs) writer.Unsigned(index).Bytes(value);
      put(std::move(writer));
    }
    if (key("certificate")) put(std::move(encoding::CborWriter().Bytes(certificate)));
    if (key("cabundle")) {
      encoding::CborWriter writer;
      writer.Array(cabundle.size());
      for (const auto& entry : cabundle) writer.Bytes(entry);
      put(std::move(writer));
    }
    for (const auto& [name, value] :
         {std::pair<std::string_view, const std::optional<base::Bytes>&>{"public_key", public_key},
          {"user_data", user_data},
          {"nonce", nonce}}) {
      if (!key(name)) continue;
      encoding::CborWriter writer;
      if (value) {
        writer.Bytes(*value);
      } else {
        writer.Null();
      }
      put(std::move(writer));
    }
    base::Bytes map;
    if (indefinite) {
      map.push_back(0xBF);
      Append(map, out);
      map.push_back(0xFF);
    } else {
      map = std::move(encoding::CborWriter().Map(count)).Take();
      Append(map, out);
    }
    return map;
  }

 private:
  static void Append(base::Bytes& to, base::ByteView bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
  }
};

// The envelope with a signature of zeros.
inline base::Bytes UnsignedNitroDocument(base::ByteView payload) {
  encoding::CborWriter writer;
  writer.Array(4).Bytes(base::Bytes{0xA1, 0x01, 0x38, 0x22}).Map(0).Bytes(payload).Bytes(base::Bytes(96));
  return std::move(writer).Take();
}

}  // namespace blindai::tests
