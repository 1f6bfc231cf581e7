// Which function answers which request. Patterns are literal segments and {names}:
// "/v2/models/{model}/infer". The path is split before it is percent-decoded, so an id that holds a '/' is
// sent as one segment ("user%2Fmodel"). A path that nobody serves is 404, a method that a path does not have
// is 405 with Allow; both in the error shape of their protocol (endpoints/answer.h).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_exchange.h"
#include "net/task.h"

namespace blindai::endpoints {

// The values of a pattern's {names}, decoded.
using PathArguments = std::map<std::string, std::string, std::less<>>;

class Router {
 public:
  // The function object lives as long as the router, so a coroutine may use its captures.
  using Handler = std::function<net::Task<void>(net::HttpExchange&, const PathArguments&)>;

  void Add(std::string method, std::string_view pattern, Handler handler);

  // Routes one request. The router must outlive the server that calls it.
  net::Task<void> Handle(net::HttpExchange& exchange) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    Handler handler;
  };
  std::vector<Route> routes_;
};

}  // namespace blindai::endpoints
