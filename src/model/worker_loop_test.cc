// What a run leaves behind: nothing, in no process, soon after its answer (security.md, T-MEM).

#include "model/worker_loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include "base/secret.h"
#include "support/onnx_builder.h"
#include "support/worker_fixture.h"

namespace blindai::model {
namespace {

// The marker as bits of a positive float, kept so that this program's own code does not hold it in one piece.
std::uint32_t Marker() {
  static volatile std::uint32_t half = 0x35c3;
  return (half << 16 | half) ^ 0x7f9f0bb2u;  // 0x4a5c3e71
}

// Four equal values in a row as f32 or as the bf16 that the engine makes of them.
base::Bytes Repeated(std::uint32_t bits, std::size_t size) {
  base::Bytes bytes(16);
  for (std::size_t i = 0; i < bytes.size(); i += size) std::memcpy(bytes.data() + i, &bits, size);
  return bytes;
}

class MemoryScan {
 public:
  explicit MemoryScan(std::int64_t pid)
      : pid_(std::to_string(pid)),
        buffer_(static_cast<std::uint8_t*>(
            mmap(nullptr, kChunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}
  ~MemoryScan() { munmap(buffer_, kChunk); }
  MemoryScan(const MemoryScan&) = delete;
  MemoryScan& operator=(const MemoryScan&) = delete;

  // How often the marker stands in all memory of the process.
  std::size_t Count() {
    std::size_t count = 0;
    read_bytes_ = 0;
    const int memory = open(("/proc/" + pid_ + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
    std::ifstream maps("/proc/" + pid_ + "/maps");
    for (std::string line; std::getline(maps, line);) {
      std::uintptr_t begin = 0;
      std::uintptr_t end = 0;
      char dash = 0;
      std::string rights;
      std::istringstream(line) >> std::hex >> begin >> dash >> end >> rights;
      const bool own_buffer = begin <= Buffer() && Buffer() < end;
      if (rights[0] == 'r' && !own_buffer) count += CountIn(memory, begin, end);
    }
    close(memory);
    return count;
  }
  std::size_t read_bytes() const { return read_bytes_; }

 private:
  static constexpr std::size_t kChunk = std::size_t{1} << 20;

  std::uintptr_t Buffer() const { return reinterpret_cast<std::uintptr_t>(buffer_); }

  std::size_t CountIn(int memory, std::uintptr_t begin, std::uintptr_t end) {
    std::size_t count = 0;
    for (std::uintptr_t at = begin; at < end; at += kChunk) {
      const ssize_t got = pread(memory, buffer_, std::min(kChunk, end - at), static_cast<off_t>(at));
      if (got <= 0) break;
      read_bytes_ += static_cast<std::size_t>(got);
      for (const std::size_t size : {std::size_t{4}, std::size_t{2}}) {
        const base::Bytes needle = Repeated(size == 4 ? Marker() : Marker() >> 16, size);
        const std::uint8_t* from = buffer_;
        const std::uint8_t* const to = buffer_ + got;
        while (const void* found =
                   memmem(from, static_cast<std::size_t>(to - from), needle.data(), needle.size())) {
          ++count;
          from = static_cast<const std::uint8_t*>(found) + needle.size();
        }
      }
    }
    base::Wipe(buffer_, kChunk);
    return count;
  }

  const std::string pid_;
  std::uint8_t* const buffer_;
  std::size_t read_bytes_ = 0;
};

// Scans until nothing is found: what the last scan found.
std::size_t LeftBehind(MemoryScan& scan) {
  std::size_t count = 0;
  tests::Until([&] { return (count = scan.Count()) == 0; }, /*tries=*/100);
  return count;
}

class MemoryTest : public testing::TestWithParam<Precision> {};

TEST_P(MemoryTest, NothingOfARunStaysInServerOrWorker) {
#ifdef BLINDAI_SANITIZED
  GTEST_SKIP() << "SKIPPED: a sanitizer's shadow memory is too large to look through, and keeps freed memory";
#endif
  if (geteuid() != 0) GTEST_SKIP() << "SKIPPED: only root may read the memory of a worker";
  auto options = tests::TestOptions();
  options.precision = GetParam();
  auto host = *tests::StartHost(tests::ReluTransposeModel(), options);
  constexpr std::int64_t kRows = 300;
  constexpr std::int64_t kColumns = 160;
  {
    std::vector<vocabulary::Tensor> inputs;
    // Filled in place: what the test itself leaves behind is not what is looked for.
    inputs.push_back(
        {"x", vocabulary::Datatype::kFp32, {kRows, kColumns}, base::Bytes(kRows * kColumns * 4)});
    for (std::size_t at = 0; at < inputs[0].data.size(); at += 4) {
      const std::uint32_t marker = Marker();
      std::memcpy(inputs[0].data.data() + at, &marker, 4);
    }
    MemoryScan before(getpid());
    EXPECT_GT(before.Count(), 1'000u) << "the scan does not see what is there";
    auto answer = tests::RunOn(*host, model::RunRequest::Of(std::move(inputs)));
    ASSERT_TRUE(answer.ok()) << answer.error().code;
    std::uint32_t value = 0;
    std::memcpy(&value, answer->outputs[0].data.data() + 28, 4);
    EXPECT_EQ(value >> 16, Marker() >> 16);
    base::Wipe(answer->outputs[0].data);
  }
  MemoryScan worker(host->stats().pid);
  EXPECT_EQ(LeftBehind(worker), 0u);
  EXPECT_GT(worker.read_bytes(), std::size_t{10} << 20) << "the worker's memory cannot be read";
  MemoryScan server(getpid());
  EXPECT_EQ(LeftBehind(server), 0u);
}

INSTANTIATE_TEST_SUITE_P(WorkerLoop, MemoryTest, testing::Values(Precision::kF32, Precision::kBf16),
                         [](const auto& test) { return test.param == Precision::kF32 ? "F32" : "Bf16"; });

}  // namespace
}  // namespace blindai::model
