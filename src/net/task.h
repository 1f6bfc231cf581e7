// Work that waits is a coroutine: Task<T> is Boost.Asio's awaitable. A Task runs on the executor of its
// connection (a strand), so code inside one connection needs no locks; it must not block that thread for
// long.
//
// One rule, because GCC 12 may destroy temporaries inside a `co_await` expression twice (closures with
// captures, aggregates, std::function arguments made in the call): **every argument of a co_awaited call that
// is not a plain number, pointer or view is a named local first.** The functions of this room take such
// arguments as non-const references, so breaking the rule does not compile:
//
//   HttpResponse response = JsonResponse(200, text);
//   co_return co_await exchange.Respond(response);      // Respond consumes it
//
// Neither use `co_await` inside a larger expression: give its result a name, then look at it. A lambda that
// is a coroutine must outlive its Task, since its captures are not copied into the frame; prefer member
// functions.
#pragma once

#include <boost/asio/awaitable.hpp>

namespace blindai::net {

template <typename T>
using Task = boost::asio::awaitable<T>;

}  // namespace blindai::net
