// rooms: base
// The canary: a target with a planted defect, one byte read past an input that begins with "fu".
// tools/fuzz.py expects it to fail; if it comes through, the fuzzers find nothing because they cannot.
#include <cstddef>
#include <cstdint>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::uint8_t> input(data, data + size);
  if (size < 2 || input[0] != 'f' || input[1] != 'u') return 0;
  volatile std::uint8_t beyond = input.data()[size];
  static_cast<void>(beyond);
  return 0;
}
