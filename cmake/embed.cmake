# Writes a C++ file that holds other files: cmake -DROOT=… -DFILES="a;b" -DOUT=… -P embed.cmake
# Each becomes an entry of kPageData: its path below ROOT, with a '/' in front, and its bytes.
set(arrays "")
set(entries "")
set(number 0)
foreach(file ${FILES})
  file(READ ${ROOT}/${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND arrays "constexpr std::uint8_t kBytes${number}[] = {${bytes}0};\n")
  string(APPEND entries "    {\"/${file}\", base::ByteView(kBytes${number}, sizeof kBytes${number} - 1)},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT} "#include \"gateway/page_files.h\"

namespace blindai::gateway {
namespace {
${arrays}
const std::array<PageFile, ${number}> kPageData = {{
${entries}}};
}  // namespace

std::span<const PageFile> PageFiles() { return kPageData; }

}  // namespace blindai::gateway
")
