#include "model/worker_protocol.h"

#include <algorithm>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace blindai::model {
namespace {

using base::ByteReader;
using base::ByteWriter;

enum class Kind : std::uint8_t {
  kStart = 1,
  kLoad = 2,
  kRegion = 3,
  kRun = 4,
  kCancel = 5,
  kCaged = 65,
  kLoaded = 66,
  kRan = 67,
  kFailed = 68,
};

base::Error Wrong(std::string message) { return base::Malformed(std::move(message), "worker-protocol"); }

ByteWriter Begin(Kind kind) {
  ByteWriter writer;
  writer.U8(static_cast<std::uint8_t>(kind));
  return writer;
}

// A value between 0 and `last` in one byte.
base::Result<std::uint8_t> Choice(ByteReader& reader, std::string_view field, std::uint8_t last) {
  BLINDAI_TRY(const std::uint8_t value, reader.U8(field));
  if (value > last) return Wrong(std::string(field) + " is not a known value");
  return value;
}

// A number of elements in two bytes, each of at least `element_bytes`, that fits what is left.
base::Result<std::size_t> Count(ByteReader& reader, std::string_view field, std::size_t most,
                                std::size_t element_bytes) {
  BLINDAI_TRY(const std::uint16_t count, reader.U16(field));
  if (count > most || count * element_bytes > reader.remaining()) {
    return Wrong(std::string(field) + " is too large");
  }
  return std::size_t{count};
}

void WriteShape(ByteWriter& writer, const vocabulary::Shape& shape) {
  writer.U16(static_cast<std::uint16_t>(shape.size()));
  for (const std::int64_t dimension : shape) writer.U64(static_cast<std::uint64_t>(dimension));
}

base::Result<vocabulary::Shape> ReadShape(ByteReader& reader) {
  BLINDAI_TRY(const std::size_t rank, Count(reader, "rank", vocabulary::kMaxRank, 8));
  vocabulary::Shape shape(rank);
  for (std::int64_t& dimension : shape) {
    BLINDAI_TRY(const std::uint64_t value, reader.U64("dimension"));
    dimension = static_cast<std::int64_t>(value);
    if (dimension < vocabulary::kAnyDimension) return Wrong("a dimension is negative");
  }
  return shape;
}

void WritePlaced(ByteWriter& writer, const std::vector<PlacedTensor>& tensors) {
  writer.U16(static_cast<std::uint16_t>(tensors.size()));
  for (const PlacedTensor& tensor : tensors) {
    writer.U16(tensor.port).U64(tensor.offset).U64(tensor.bytes);
    WriteShape(writer, tensor.shape);
  }
}

base::Result<std::vector<PlacedTensor>> ReadPlaced(ByteReader& reader) {
  BLINDAI_TRY(const std::size_t count, Count(reader, "tensors", kMaxPorts, 20));
  std::vector<PlacedTensor> tensors(count);
  for (PlacedTensor& tensor : tensors) {
    BLINDAI_TRY(tensor.port, reader.U16("port"));
    BLINDAI_TRY(tensor.offset, reader.U64("offset"));
    BLINDAI_TRY(tensor.bytes, reader.U64("bytes"));
    BLINDAI_TRY(tensor.shape, ReadShape(reader));
  }
  return tensors;
}

void WriteSpecs(ByteWriter& writer, const std::vector<vocabulary::TensorSpec>& specs) {
  writer.U16(static_cast<std::uint16_t>(specs.size()));
  for (const vocabulary::TensorSpec& spec : specs) {
    writer.U16(static_cast<std::uint16_t>(spec.name.size())).Append(spec.name);
    writer.U8(static_cast<std::uint8_t>(spec.datatype));
    WriteShape(writer, spec.shape);
  }
}

// Names go into JSON, metrics and error texts as they are, so only printable characters may come through.
bool IsPlainName(std::string_view name) {
  return std::ranges::all_of(name, [](char c) { return c >= 0x20 && c < 0x7f; });
}

base::Result<std::vector<vocabulary::TensorSpec>> ReadSpecs(ByteReader& reader) {
  BLINDAI_TRY(const std::size_t count, Count(reader, "ports", kMaxPorts, 5));
  std::vector<vocabulary::TensorSpec> specs(count);
  for (vocabulary::TensorSpec& spec : specs) {
    BLINDAI_TRY(const std::size_t length, Count(reader, "name length", kMaxPortNameBytes, 1));
    BLINDAI_TRY(const base::ByteView name, reader.Take("name", length));
    spec.name = base::AsText(name);
    if (!IsPlainName(spec.name)) return Wrong("a name has characters that cannot be printed");
    BLINDAI_TRY(const std::uint8_t datatype,
                Choice(reader, "datatype", static_cast<std::uint8_t>(vocabulary::Datatype::kBytes)));
    spec.datatype = static_cast<vocabulary::Datatype>(datatype);
    BLINDAI_TRY(spec.shape, ReadShape(reader));
  }
  return specs;
}

// Bits of a Cage, in the order of the struct, without the namespaces.
std::uint8_t CageBits(const Cage& cage) {
  return static_cast<std::uint8_t>(cage.empty_root | cage.no_capabilities << 1 | cage.no_new_privileges << 2 |
                                   cage.memory_limit << 3 | cage.not_dumpable << 4);
}

Cage CageFromBits(std::uint8_t bits) {
  Cage cage;
  cage.empty_root = (bits & 1) != 0;
  cage.no_capabilities = (bits & 2) != 0;
  cage.no_new_privileges = (bits & 4) != 0;
  cage.memory_limit = (bits & 8) != 0;
  cage.not_dumpable = (bits & 16) != 0;
  return cage;
}

struct Encoder {
  ByteWriter operator()(const StartMessage& m) const {
    return std::move(Begin(Kind::kStart)
                         .U8(static_cast<std::uint8_t>(m.precision))
                         .U16(m.threads)
                         .U64(m.memory_limit_bytes)
                         .U8(m.own_mount_namespace ? 1 : 0));
  }
  ByteWriter operator()(const LoadMessage& m) const {
    return std::move(Begin(Kind::kLoad).U64(m.model_bytes).U8(m.measure_rows ? 1 : 0));
  }
  ByteWriter operator()(const RegionMessage& m) const {
    return std::move(Begin(Kind::kRegion).U8(static_cast<std::uint8_t>(m.use)).U64(m.bytes));
  }
  ByteWriter operator()(const RunMessage& m) const {
    ByteWriter writer = Begin(Kind::kRun);
    writer.U64(m.run);
    WritePlaced(writer, m.inputs);
    writer.U16(static_cast<std::uint16_t>(m.outputs.size()));
    for (const std::uint16_t port : m.outputs) writer.U16(port);
    return writer;
  }
  ByteWriter operator()(const CancelMessage& m) const { return std::move(Begin(Kind::kCancel).U64(m.run)); }
  ByteWriter operator()(const CagedMessage& m) const {
    return std::move(
        Begin(Kind::kCaged).U8(CageBits(m.cage)).U32(m.cage.landlock_abi).U32(m.cage.allowed_system_calls));
  }
  ByteWriter operator()(const LoadedMessage& m) const {
    ByteWriter writer = Begin(Kind::kLoaded);
    WriteSpecs(writer, m.signature.inputs);
    WriteSpecs(writer, m.signature.outputs);
    writer.U8(m.signature.exact ? 1 : 0).U16(m.max_rows);
    return writer;
  }
  ByteWriter operator()(const RanMessage& m) const {
    ByteWriter writer = Begin(Kind::kRan);
    writer.U64(m.run).U64(m.compute_us);
    WritePlaced(writer, m.outputs);
    return writer;
  }
  ByteWriter operator()(const FailedMessage& m) const {
    return std::move(Begin(Kind::kFailed).U64(m.run).U8(static_cast<std::uint8_t>(m.failure)));
  }
};

base::Result<StartMessage> ReadStart(ByteReader& reader) {
  StartMessage m;
  BLINDAI_TRY(const std::uint8_t precision,
              Choice(reader, "precision", static_cast<std::uint8_t>(Precision::kBf16)));
  m.precision = static_cast<Precision>(precision);
  BLINDAI_TRY(m.threads, reader.U16("threads"));
  BLINDAI_TRY(m.memory_limit_bytes, reader.U64("memory limit"));
  BLINDAI_TRY(const std::uint8_t own, Choice(reader, "own mount namespace", 1));
  m.own_mount_namespace = own != 0;
  return m;
}

base::Result<LoadMessage> ReadLoad(ByteReader& reader) {
  LoadMessage m;
  BLINDAI_TRY(m.model_bytes, reader.U64("model bytes"));
  BLINDAI_TRY(const std::uint8_t measure, Choice(reader, "measure rows", 1));
  m.measure_rows = measure == 1;
  return m;
}

base::Result<RegionMessage> ReadRegion(ByteReader& reader) {
  RegionMessage m;
  BLINDAI_TRY(const std::uint8_t use, Choice(reader, "use", static_cast<std::uint8_t>(RegionUse::kOutputs)));
  m.use = static_cast<RegionUse>(use);
  BLINDAI_TRY(m.bytes, reader.U64("bytes"));
  return m;
}

base::Result<RunMessage> ReadRun(ByteReader& reader) {
  RunMessage m;
  BLINDAI_TRY(m.run, reader.U64("run"));
  BLINDAI_TRY(m.inputs, ReadPlaced(reader));
  BLINDAI_TRY(const std::size_t count, Count(reader, "outputs", kMaxPorts, 2));
  m.outputs.resize(count);
  for (std::uint16_t& port : m.outputs) {
    BLINDAI_TRY(port, reader.U16("port"));
  }
  return m;
}

base::Result<CancelMessage> ReadCancel(ByteReader& reader) {
  CancelMessage m;
  BLINDAI_TRY(m.run, reader.U64("run"));
  return m;
}

base::Result<CagedMessage> ReadCaged(ByteReader& reader) {
  BLINDAI_TRY(const std::uint8_t bits, Choice(reader, "facts", 31));
  CagedMessage m{.cage = CageFromBits(bits)};
  BLINDAI_TRY(m.cage.landlock_abi, reader.U32("Landlock version"));
  BLINDAI_TRY(m.cage.allowed_system_calls, reader.U32("allowed system calls"));
  return m;
}

base::Result<LoadedMessage> ReadLoaded(ByteReader& reader) {
  LoadedMessage m;
  BLINDAI_TRY(m.signature.inputs, ReadSpecs(reader));
  BLINDAI_TRY(m.signature.outputs, ReadSpecs(reader));
  BLINDAI_TRY(const std::uint8_t exact, Choice(reader, "exactness", 1));
  m.signature.exact = exact == 1;
  BLINDAI_TRY(m.max_rows, reader.U16("rows"));
  if (m.max_rows < 1 || m.max_rows > kMostRows) return Wrong("rows is not a possible value");
  return m;
}

base::Result<RanMessage> ReadRan(ByteReader& reader) {
  RanMessage m;
  BLINDAI_TRY(m.run, reader.U64("run"));
  BLINDAI_TRY(m.compute_us, reader.U64("time"));
  BLINDAI_TRY(m.outputs, ReadPlaced(reader));
  return m;
}

base::Result<FailedMessage> ReadFailed(ByteReader& reader) {
  FailedMessage m;
  BLINDAI_TRY(m.run, reader.U64("run"));
  BLINDAI_TRY(const std::uint8_t failure, Choice(reader, "failure", kLastFailure));
  m.failure = static_cast<Failure>(failure);
  return m;
}

// The message that `read` finds, if the packet ends where it ends.
template <typename Variant, typename Message>
base::Result<Variant> Whole(ByteReader& reader, base::Result<Message> (*read)(ByteReader&)) {
  BLINDAI_TRY(Message message, read(reader));
  BLINDAI_RETURN_IF_ERROR(reader.End("message"));
  return Variant(std::move(message));
}

base::Result<Kind> Open(ByteReader& reader) {
  if (reader.remaining() > kMaxMessageBytes) return Wrong("the packet is too long");
  BLINDAI_TRY(const std::uint8_t kind, reader.U8("kind"));
  return static_cast<Kind>(kind);
}

// Errors of ByteReader come with its own code; here everything has one.
template <typename T>
base::Result<T> WithCode(base::Result<T> result) {
  if (result.ok()) return result;
  return Wrong(std::move(result).error().message);
}

base::Result<ToWorker> ReadToWorker(base::ByteView packet) {
  ByteReader reader(packet);
  BLINDAI_TRY(const Kind kind, Open(reader));
  switch (kind) {
    case Kind::kStart:
      return Whole<ToWorker>(reader, ReadStart);
    case Kind::kLoad:
      return Whole<ToWorker>(reader, ReadLoad);
    case Kind::kRegion:
      return Whole<ToWorker>(reader, ReadRegion);
    case Kind::kRun:
      return Whole<ToWorker>(reader, ReadRun);
    case Kind::kCancel:
      return Whole<ToWorker>(reader, ReadCancel);
    default:
      return Wrong("unknown message for a worker");
  }
}

base::Result<FromWorker> ReadFromWorker(base::ByteView packet) {
  ByteReader reader(packet);
  BLINDAI_TRY(const Kind kind, Open(reader));
  switch (kind) {
    case Kind::kCaged:
      return Whole<FromWorker>(reader, ReadCaged);
    case Kind::kLoaded:
      return Whole<FromWorker>(reader, ReadLoaded);
    case Kind::kRan:
      return Whole<FromWorker>(reader, ReadRan);
    case Kind::kFailed:
      return Whole<FromWorker>(reader, ReadFailed);
    default:
      return Wrong("unknown message from a worker");
  }
}

}  // namespace

base::Bytes Encode(const ToWorker& message) { return std::visit(Encoder{}, message).Take(); }
base::Bytes Encode(const FromWorker& message) { return std::visit(Encoder{}, message).Take(); }

base::Result<ToWorker> DecodeToWorker(base::ByteView packet) { return WithCode(ReadToWorker(packet)); }
base::Result<FromWorker> DecodeFromWorker(base::ByteView packet) { return WithCode(ReadFromWorker(packet)); }

}  // namespace blindai::model
