// The files of web/, which are in the program (cmake/embed.cmake), and the answer that carries one. A page gets nothing
// from anywhere else: its policy (Content-Security-Policy, https://www.w3.org/TR/CSP3/) names this gateway only, and
// nobody may put it in a frame.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "net/http_message.h"

namespace blindai::gateway {

struct PageFile {
  std::string_view path;  // "/index.html"
  base::ByteView bytes;
};

std::span<const PageFile> PageFiles();

// "/" is "/index.html"; null where there is none.
const PageFile* FindPageFile(std::span<const PageFile> files, std::string_view path);

// `host` is the checked Host of the request, where the page's WebSockets go. The bytes are sent from where they lie.
net::HttpResponse PageAnswer(const PageFile& file, std::string_view host);

}  // namespace blindai::gateway
