// rooms: base model
// Laws: a header that is accepted is the one encoding of its values, whatever else is opened is refused, and what was
// sealed comes back until any byte of it changes.

#include <algorithm>
#include <cstdlib>

#include "model/sealed_file.h"

namespace {

using namespace blindai;         // NOLINT(google-build-using-namespace)
using namespace blindai::model;  // NOLINT(google-build-using-namespace)

const base::SecretBytes& Key() {
  static const base::SecretBytes key(base::Bytes(kSealingKeyBytes, 0x42));
  return key;
}

base::Result<base::Bytes> Open(base::ByteView file) {
  const auto read = [&file](std::span<std::uint8_t> out) -> base::Result<std::size_t> {
    const std::size_t now = std::min(out.size(), file.size());
    std::copy_n(file.begin(), now, out.begin());
    file = file.subspan(now);
    return now;
  };
  BLINDAI_TRY(SealedReader reader, SealedReader::Open(read, Key(), {"m", "o", 1}));
  base::Bytes all;
  while (true) {
    BLINDAI_TRY(const base::SecretBytes next, reader.Next());
    if (next.empty()) return all;
    all.insert(all.end(), next.ExposeSecret().begin(), next.ExposeSecret().end());
  }
}

base::Bytes Seal(base::ByteView plaintext) {
  base::Bytes file;
  const auto write = [&file](base::ByteView bytes) {
    file.insert(file.end(), bytes.begin(), bytes.end());
    return base::Ok();
  };
  auto writer = SealedWriter::Begin(write, Key(), {"m", "o", 1}, plaintext.size(), kMinChunkLog2);
  if (!writer.ok() || !writer->Append(plaintext).ok() || !writer->Finish().ok()) std::abort();
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView input(data, size);
  const base::ByteView head = input.first(std::min(size, kSealedHeaderBytes));
  if (const auto header = ParseSealedHeader(head); header.ok()) {
    if (EncodeSealedHeader(*header) != base::CopyBytes(head)) std::abort();
  }
  // Nobody without the key makes a file that opens.
  if (Open(input).ok()) std::abort();

  base::Bytes file = Seal(input);
  const auto opened = Open(file);
  if (!opened.ok() || *opened != base::CopyBytes(input)) std::abort();
  file[size % file.size()] ^= 0x10;
  if (Open(file).ok()) std::abort();
  return 0;
}
