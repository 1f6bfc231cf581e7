// Several runs as one: a worker computes runs that wait for it together, where that was measured to pay and
// proved to change nothing. Nothing waits for a batch: what is merged has been waiting already.
//
// Runs are merged only when all of this holds: they are of one caller; each has one row; the model's
// tensors have a fixed shape but for their first dimension, so that the runs have equal shapes; and when
// the worker loaded the model, every row of a batch was, bit for bit, what it is alone, in other company
// and at another place too (ProveBatching).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "model/check_run.h"
#include "model/signature.h"

namespace blindai::model {

// Whether the shapes allow it: every input and output has a first dimension that varies and others that do not.
bool HasRows(const ModelSignature& signature);

// Whether two planned runs may be computed as one: one row each, the same outputs.
bool FitTogether(const RunPlan& one, const RunPlan& other);

// The plan of `rows` runs like this one as one run, row behind row.
RunPlan PlanOfRows(const RunPlan& one, std::size_t rows);

// Row `row` of a tensor with `rows` rows, which is what a run alone would have got.
PlacedTensor RowOf(const PlacedTensor& tensor, std::size_t row, std::size_t rows);

// A run of the model on these rows of made-up inputs, by their numbers below kMostRows. Nothing: it does
// not work, or an output has another number of rows.
struct RowsRun {
  std::vector<base::Bytes> outputs;  // [output × rows], each of one row
  std::chrono::nanoseconds took;
};
using RunRows = std::function<std::optional<RowsRun>(std::span<const std::size_t> rows)>;

// How many runs may be computed as one: kMostRows or 1. More than one only where all rows are bit for bit
// the same alone and together, and kMostRows runs as one take less than 0.9 of the time that they take one
// after the other.
std::uint16_t ProveBatching(const RunRows& run);

}  // namespace blindai::model
