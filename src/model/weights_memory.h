// Memory for a model's weights that is made again from the model's file when somebody reads it, so that its pages can
// be given back to the kernel in between.
//
// Why: the engine keeps each weight twice, as it was and as its kernels read it. It reads the first again only when a
// kernel wants another order, for some models never, and has no way to let go of it. The file is there anyway: the
// server keeps it, sealed, for the next worker (model_file.h). The file itself cannot serve as that memory, because its
// weights begin at any byte and the engine copies those that do not begin at a multiple of their element.
//
// How: an absent block is memory without access. Who touches it raises SIGSEGV, whose handler makes the block
// elsewhere and moves it there whole, so that no thread sees half of it. A fault anywhere else ends the process, as it
// would without the handler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "model/shared_region.h"

namespace blindai::model {

class WeightsMemory {
 public:
  // Writes the bytes from `begin` on of a weight that is made of `source`. Called by a signal handler: it computes and
  // copies, and does nothing else.
  using Make = void (*)(base::ByteView source, std::size_t begin, std::span<std::uint8_t> out);
  // A weight that is its source.
  static void Copy(base::ByteView source, std::size_t begin, std::span<std::uint8_t> out);

  struct Weight {
    base::ByteView source;  // in the file
    std::size_t bytes = 0;  // of the weight
    Make make = Copy;
  };

  // Installs the handler, for the whole process. Before the system calls are filtered (worker_cage.h). False: this
  // kernel cannot do what it needs, and nothing will be reserved.
  static bool AnswerFaults();

  // Reserves addresses only, for one weight or more (CHECK). `file` cannot change (F_SEAL_WRITE). Null: no addresses
  // are left, or faults are not answered; weights then stay where they are.
  static std::unique_ptr<WeightsMemory> Reserve(std::shared_ptr<const Mapping> file,
                                                std::vector<Weight> weights);
  ~WeightsMemory();
  WeightsMemory(const WeightsMemory&) = delete;
  WeightsMemory& operator=(const WeightsMemory&) = delete;

  // Where a weight lies: at a multiple of 64 bytes, as long as this lives.
  std::uint8_t* at(std::size_t weight) const { return begin_ + offsets_[weight]; }
  // Blocks become absent, and what was written into them is lost; those that had to be made again and again stay. No
  // thread may be reading a weight meanwhile.
  void GiveBack();

 private:
  WeightsMemory(std::shared_ptr<const Mapping> file, std::vector<Weight> weights);
  // Whether the address was that of an absent block, which is there now.
  static bool Fill(std::uintptr_t address);
  bool MakeBlock(std::size_t number);

  struct Block {
    bool present = false;
    int times_made = 0;
  };

  const std::shared_ptr<const Mapping> file_;
  const std::vector<Weight> weights_;
  std::vector<std::size_t> offsets_;
  std::size_t size_ = 0;  // whole blocks
  std::uint8_t* begin_ = nullptr;
  std::vector<Block> blocks_;
  WeightsMemory* next_ = nullptr;  // in the list of all
};

}  // namespace blindai::model
