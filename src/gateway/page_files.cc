#include "gateway/page_files.h"

#include <algorithm>
#include <string>
#include <utility>

namespace blindai::gateway {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kContentTypes = {{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".json", "application/json"},
}};

std::string_view ContentTypeOf(std::string_view path) {
  for (const auto& [ending, type] : kContentTypes) {
    if (path.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

std::string PolicyFor(std::string_view host) {
  return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
         "media-src 'self' blob:; font-src 'self'; connect-src 'self' ws://" +
         std::string(host) +
         "; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

}  // namespace

const PageFile* FindPageFile(std::span<const PageFile> files, std::string_view path) {
  if (path == "/") path = "/index.html";
  const auto found =
      std::find_if(files.begin(), files.end(), [path](const PageFile& f) { return f.path == path; });
  return found == files.end() ? nullptr : &*found;
}

net::HttpResponse PageAnswer(const PageFile& file, std::string_view host) {
  net::HttpResponse response;
  response.headers = {{"Content-Type", std::string(ContentTypeOf(file.path))},
                      {"Content-Security-Policy", PolicyFor(host)},
                      {"Cache-Control", "no-store"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"X-Frame-Options", "DENY"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Opener-Policy", "same-origin"},
                      {"Cross-Origin-Resource-Policy", "same-origin"},
                      {"Permissions-Policy", "microphone=(self), camera=(), geolocation=()"}};
  response.parts.push_back({file.bytes, nullptr});
  return response;
}

}  // namespace blindai::gateway
