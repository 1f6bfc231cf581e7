// Where tests find files: the source tree, the build tree, and the folder of real evidence beside the checkout.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace blindai::tests {

// The root of the source tree: from the environment that ctest sets, else the first folder above the current one
// that holds CMakePresets.json, so that a test program also runs by hand.
inline std::filesystem::path SourceDir() {
  if (const char* given = std::getenv("BLINDAI_SOURCE_DIR")) return given;
  for (auto here = std::filesystem::current_path(); here.has_relative_path(); here = here.parent_path()) {
    if (std::filesystem::exists(here / "CMakePresets.json")) return here;
  }
  return std::filesystem::current_path();
}

// The build tree that the running test belongs to.
inline std::filesystem::path BinaryDir() {
  if (const char* given = std::getenv("BLINDAI_BINARY_DIR")) return given;
  for (auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path(); here.has_relative_path();
       here = here.parent_path()) {
    if (std::filesystem::exists(here / "CMakeCache.txt")) return here;
  }
  return SourceDir() / "build" / "dev";
}

// Where the programs of this build are (apps/CMakeLists.txt).
inline std::filesystem::path ProgramsDir() {
  const auto own = BinaryDir() / "bin";
  return std::filesystem::exists(own) ? own : SourceDir() / "build" / "bin";
}

// ../shared/vectors, or nothing in a checkout without it: then the test skips with kNoVectors.
inline std::optional<std::filesystem::path> VectorsDir() {
  const auto folder = SourceDir() / ".." / "shared" / "vectors";
  if (!std::filesystem::exists(folder / "README.md")) return std::nullopt;
  return folder;
}
constexpr const char* kNoVectors =
    "SKIPPED: no attestation vectors at ../shared/vectors (see docs/CONVENTIONS.md)";

// Silero's network, where `./run model silero-vad` puts it; where it is not there, tests skip with kNoSilero.
inline std::filesystem::path SileroFile() {
  return SourceDir() / "build" / "models" / "silero-vad" / "silero_vad_16k_sequence.onnx";
}
constexpr const char* kNoSilero = "SKIPPED: no voice activity network; `./run model silero-vad` gets it";

inline std::vector<std::uint8_t> ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace blindai::tests
