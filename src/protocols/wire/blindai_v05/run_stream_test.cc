#include "protocols/wire/blindai_v05/run_stream.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <limits>

namespace blindai::wire {
namespace {

using securedexchange::RunModelRequest;
using vocabulary::Datatype;

struct Piece {
  int index = 0;
  std::string name;
  std::vector<int> dims;
  std::string data;
  int datum_type = securedexchange::U8;
};

RunModelRequest Message(std::initializer_list<Piece> pieces, const std::string& model_id = "m") {
  RunModelRequest message;
  message.set_model_id(model_id);
  for (const Piece& piece : pieces) {
    securedexchange::TensorData& tensor = *message.add_input_tensors();
    tensor.mutable_info()->mutable_dims()->Add(piece.dims.begin(), piece.dims.end());
    tensor.mutable_info()->set_datum_type(static_cast<securedexchange::DatumTypeEnum>(piece.datum_type));
    tensor.mutable_info()->set_index(piece.index);
    tensor.mutable_info()->set_index_name(piece.name);
    tensor.set_bytes_data(piece.data);
  }
  return message;
}

class RunStreamTest : public ::testing::Test {
 protected:
  // The code of the first error, of Finish() too; empty when all is well.
  std::string Send(std::vector<RunModelRequest> messages) {
    for (RunModelRequest& message : messages) {
      if (const base::Status added = stream_.Add(message); !added.ok()) return added.error().code;
    }
    const base::Status finished = stream_.Finish();
    return finished.ok() ? "" : finished.error().code;
  }
  std::string Data(std::size_t input) { return std::string(base::AsText(stream_.inputs().at(input).data)); }

  RunStream stream_{{.tensor_bytes = 64, .tensors = 3}};
};

TEST_F(RunStreamTest, PiecesWithOneIndexAreOneTensor) {
  EXPECT_EQ(Send({Message({{0, "", {2, 3}, "abc"}}), Message({{0, "", {2, 3}, "def"}}),
                  Message({{1, "", {1}, "x"}})}),
            "");
  ASSERT_EQ(stream_.inputs().size(), 2u);
  EXPECT_EQ(Data(0), "abcdef");
  EXPECT_EQ(stream_.inputs()[0].shape, (vocabulary::Shape{2, 3}));
  EXPECT_EQ(stream_.inputs()[0].datatype, Datatype::kUint8);
  EXPECT_EQ(Data(1), "x");
}

TEST_F(RunStreamTest, TensorsKeepTheOrderOfTheirFirstPiece) {
  EXPECT_EQ(Send({Message({{5, "", {2}, "a"}}), Message({{1, "", {1}, "x"}}), Message({{5, "", {2}, "b"}})}),
            "");
  EXPECT_EQ(Data(0), "ab");
  EXPECT_EQ(Data(1), "x");
}

TEST_F(RunStreamTest, NamesJoinPiecesWhereBothHaveOne) {
  EXPECT_EQ(Send({Message({{0, "left", {2}, "a"}, {0, "right", {2}, "c"}}),
                  Message({{0, "right", {2}, "d"}, {9, "left", {2}, "b"}})}),
            "");
  EXPECT_EQ(Data(0), "ab");
  EXPECT_EQ(Data(1), "cd");
  EXPECT_EQ(stream_.inputs()[1].name, "right");
}

TEST_F(RunStreamTest, TheLastMessageSaysModelAndSign) {
  RunModelRequest last = Message({}, "second");
  last.set_sign(true);
  EXPECT_EQ(Send({Message({{0, "", {1}, "a"}}, "first"), last}), "");
  EXPECT_EQ(stream_.model_id(), "second");
  EXPECT_TRUE(stream_.sign());
}

TEST_F(RunStreamTest, AnEmptyTensorAndAScalarAreTensors) {
  EXPECT_EQ(Send({Message({{0, "", {0, 4}, ""}}), Message({{1, "", {}, "s"}})}), "");
  EXPECT_EQ(stream_.inputs().size(), 2u);
}

TEST_F(RunStreamTest, NoMessageIsNoRequest) { EXPECT_EQ(Send({}), "no-data"); }

// Fault 15 of the original.
TEST_F(RunStreamTest, WrongDimsAreCleanErrors) {
  const int kHuge = std::numeric_limits<int>::max();
  const struct {
    Piece piece;
    const char* code;
  } rows[] = {
      {{0, "", {-1}, "a"}, "tensor-shape"},
      {{0, "", {kHuge}, "a"}, "tensors-too-large"},
      {{0, "", {kHuge, kHuge, kHuge}, "a"}, "tensor-shape"},
      {{0, "", {2}, "a"}, "tensor-size"},
      {{0, "", {2}, "abc"}, "tensor-size"},
      {{0, "", {2}, "ab", securedexchange::F32}, "tensor-size"},
      {{0, "", {0}, "a"}, "tensor-size"},
      {{0, "", std::vector<int>(vocabulary::kMaxRank + 1, 1), "a"}, "tensor-shape"},
      {{0, "", {1}, "a", -1}, "tensor-dtype"},
      {{0, "", {1}, "a", 11}, "tensor-dtype"},
  };
  for (const auto& row : rows) {
    RunStream stream({.tensor_bytes = 64});
    RunModelRequest message = Message({row.piece});
    base::Status status = stream.Add(message);
    if (status.ok()) status = stream.Finish();
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, row.code);
  }
}

TEST_F(RunStreamTest, AMissingInfoIsACleanError) {
  RunModelRequest message;
  message.add_input_tensors()->set_bytes_data("abc");
  EXPECT_EQ(Send({message}), "tensor-info");
}

TEST_F(RunStreamTest, PiecesOfOneTensorSayTheSame) {
  EXPECT_EQ(Send({Message({{0, "", {4}, "a"}}), Message({{0, "", {5}, "b"}})}), "tensor-info");
}

// Fault 4 of the original: the limit counts all pieces of all tensors.
TEST_F(RunStreamTest, TheLimitCountsTheWholeRequest) {
  const std::string forty(40, 'x');
  EXPECT_EQ(Send({Message({{0, "", {40}, forty}}), Message({{1, "", {24}, std::string(24, 'y')}})}), "");
  RunModelRequest one_more = Message({{2, "", {1}, "z"}});
  EXPECT_EQ(stream_.Add(one_more).error().code, "tensors-too-large");
}

TEST_F(RunStreamTest, TensorsAreCounted) {
  EXPECT_EQ(Send({Message({{0, "", {0}, ""}, {1, "", {0}, ""}, {2, "", {0}, ""}, {3, "", {0}, ""}})}),
            "tensor-count");
}

TEST_F(RunStreamTest, AFloodOfEmptyMessagesEnds) {
  std::vector<RunModelRequest> flood(5000, Message({}));
  EXPECT_EQ(Send(std::move(flood)), "too-many-messages");
}

TEST_F(RunStreamTest, ElementsAreWipedInTheMessage) {
  RunModelRequest message = Message({{0, "", {6}, "secret"}});
  ASSERT_TRUE(stream_.Add(message).ok());
  EXPECT_EQ(message.input_tensors(0).bytes_data(), std::string(6, '\0'));
  EXPECT_EQ(Data(0), "secret");
  RunModelRequest refused = Message({{0, "", {6}, "secret"}});
  EXPECT_FALSE(stream_.Add(refused).ok());
  EXPECT_EQ(refused.input_tensors(0).bytes_data(), std::string(6, '\0'));
}

}  // namespace
}  // namespace blindai::wire
