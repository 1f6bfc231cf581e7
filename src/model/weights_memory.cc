#include "model/weights_memory.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace blindai::model {
namespace {

// Large, because each block that is present is a mapping of its own, of which a process may have 65,530.
constexpr std::size_t kBlock = std::size_t{1} << 20;
constexpr std::size_t kAlignment = 64;
// A block that was made this often is one that runs read, and not only the packing of a weight: it stays, because it
// would be made again in each of them.
constexpr int kMostTimesMade = 8;

std::size_t RoundedUp(std::size_t size, std::size_t step) { return (size + step - 1) / step * step; }

// Guards what is below and every block. A mutex may not be used by a signal handler; no code that holds this one reads
// a weight, so the handler never waits for the thread that it interrupted.
std::atomic_flag g_busy = ATOMIC_FLAG_INIT;
WeightsMemory* g_first = nullptr;
bool g_answers_faults = false;

class Guard {
 public:
  Guard() {
    while (g_busy.test_and_set(std::memory_order_acquire)) sched_yield();
  }
  ~Guard() { g_busy.clear(std::memory_order_release); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
};

void* Map(void* at, std::size_t size, int protection, int more_flags) {
  return mmap(at, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | more_flags, -1, 0);
}

bool MoveBlock(void* from, void* to) {
  return mremap(from, kBlock, kBlock, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to;
}

// Not every system that runs programs for Linux can.
bool CanMoveBlocks() {
  void* const from = Map(nullptr, kBlock, PROT_READ | PROT_WRITE, 0);
  void* const to = Map(nullptr, kBlock, PROT_NONE, 0);
  if (from == MAP_FAILED || to == MAP_FAILED) return false;
  const bool moved = MoveBlock(from, to);
  if (!moved) munmap(from, kBlock);
  munmap(to, kBlock);
  return moved;
}

// The pages of the file that were read are the server's; this process need not count them as its own.
void LetGo(base::ByteView source) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const std::size_t before = reinterpret_cast<std::uintptr_t>(source.data()) % page;
  madvise(const_cast<std::uint8_t*>(source.data() - before), before + source.size(), MADV_DONTNEED);
}

}  // namespace

void WeightsMemory::Copy(base::ByteView source, std::size_t begin, std::span<std::uint8_t> out) {
  std::memcpy(out.data(), source.data() + begin, out.size());
}

bool WeightsMemory::AnswerFaults() {
  struct sigaction action {};
  action.sa_sigaction = [](int, siginfo_t* info, void*) {
    const int saved = errno;
    if (!Fill(reinterpret_cast<std::uintptr_t>(info->si_addr))) __builtin_trap();
    errno = saved;
  };
  action.sa_flags = SA_SIGINFO;
  g_answers_faults = CanMoveBlocks() && sigaction(SIGSEGV, &action, nullptr) == 0;
  return g_answers_faults;
}

std::unique_ptr<WeightsMemory> WeightsMemory::Reserve(std::shared_ptr<const Mapping> file,
                                                      std::vector<Weight> weights) {
  if (!g_answers_faults) return nullptr;
  BLINDAI_CHECK(!weights.empty());
  std::unique_ptr<WeightsMemory> memory(new WeightsMemory(std::move(file), std::move(weights)));
  void* const begin = Map(nullptr, memory->size_, PROT_NONE, 0);
  if (begin == MAP_FAILED) return nullptr;
  memory->begin_ = static_cast<std::uint8_t*>(begin);
  const Guard guard;
  memory->next_ = std::exchange(g_first, memory.get());
  return memory;
}

WeightsMemory::WeightsMemory(std::shared_ptr<const Mapping> file, std::vector<Weight> weights)
    : file_(std::move(file)), weights_(std::move(weights)) {
  for (const Weight& weight : weights_) {
    offsets_.push_back(size_);
    size_ = RoundedUp(size_ + weight.bytes, kAlignment);
  }
  size_ = RoundedUp(size_, kBlock);
  blocks_.resize(size_ / kBlock);
}

WeightsMemory::~WeightsMemory() {
  if (begin_ == nullptr) return;
  {
    const Guard guard;
    WeightsMemory** link = &g_first;
    while (*link != this) link = &(*link)->next_;
    *link = next_;
  }
  munmap(begin_, size_);
}

void WeightsMemory::GiveBack() {
  const Guard guard;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    if (!blocks_[i].present || blocks_[i].times_made >= kMostTimesMade) continue;
    // What was there is gone, and the addresses stay reserved. Should it fail, the block is as good as before, or made
    // again.
    blocks_[i].present = false;
    Map(begin_ + i * kBlock, kBlock, PROT_NONE, MAP_FIXED);
  }
}

bool WeightsMemory::Fill(std::uintptr_t address) {
  const Guard guard;
  for (WeightsMemory* memory = g_first; memory != nullptr; memory = memory->next_) {
    const auto begin = reinterpret_cast<std::uintptr_t>(memory->begin_);
    if (address < begin || address - begin >= memory->size_) continue;
    const std::size_t number = (address - begin) / kBlock;
    Block& block = memory->blocks_[number];
    // Else another thread was first.
    if (!block.present) block.present = memory->MakeBlock(number);
    return block.present;
  }
  return false;
}

bool WeightsMemory::MakeBlock(std::size_t number) {
  void* const place = Map(nullptr, kBlock, PROT_READ | PROT_WRITE, MAP_POPULATE);
  if (place == MAP_FAILED) return false;
  const std::span<std::uint8_t> bytes(static_cast<std::uint8_t*>(place), kBlock);
  const std::size_t begin = number * kBlock;
  const std::size_t end = begin + kBlock;
  // The last weight that begins at or before the block, and all that follow until its end.
  auto i = static_cast<std::size_t>(std::ranges::upper_bound(offsets_, begin) - offsets_.begin());
  for (i = i > 0 ? i - 1 : 0; i < weights_.size() && offsets_[i] < end; ++i) {
    const Weight& weight = weights_[i];
    const std::size_t from = std::max(begin, offsets_[i]);
    const std::size_t to = std::min(end, offsets_[i] + weight.bytes);
    if (from >= to) continue;
    weight.make(weight.source, from - offsets_[i], bytes.subspan(from - begin, to - from));
    LetGo(weight.source);
  }
  ++blocks_[number].times_made;
  return MoveBlock(place, begin_ + begin);
}

}  // namespace blindai::model
