// Reads the tables of real evidence (../shared/vectors, its README explains the columns) and the files that
// they name.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace blindai::tests {

// One line of a table; "-" (none or not applicable) reads as empty.
class VectorRow {
 public:
  VectorRow(int line, std::map<std::string, std::string> cells) : line_(line), cells_(std::move(cells)) {}
  // The text of a column; a column that the table does not have fails the test.
  const std::string& operator[](const std::string& column) const;
  int line() const { return line_; }

 private:
  int line_;
  std::map<std::string, std::string> cells_;
};

// All rows of a table such as "verdicts_snp.tsv"; empty when the vectors are absent (skip with kNoVectors).
std::vector<VectorRow> ReadVectorTable(std::string_view name);

// The bytes of a file named in a table, relative to the vectors folder; "FILE.json#field" means the text of
// that field. A file that is not there fails the test.
base::Bytes ReadVector(std::string_view reference);

// "a.bin + b.bin" of the TPM table: names lie in the folder of the first.
std::vector<std::string> SplitReferences(std::string_view references);

// Hex text of a table.
base::Bytes FromHex(std::string_view hex);
std::string ToHex(base::ByteView bytes);

}  // namespace blindai::tests
