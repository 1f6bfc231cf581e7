// Turns a callback into something a coroutine waits for. The callback may come from any thread, at once or
// later, exactly once; the coroutine goes on where it was, on its connection's strand. A callback that is
// dropped without being called ends the wait with an error, so nothing waits for ever.
//
//   std::function<void(Callback<Tensors>)> start = [&](Callback<Tensors> done) { engine.Run(input,
//   std::move(done)); }; auto outputs = co_await AwaitCallback<Tensors>(start);
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "base/result.h"
#include "net/http_exchange.h"
#include "net/task.h"

namespace blindai::net {

template <typename T>
using Callback = std::function<void(base::Result<T>)>;

// Starts the work and waits for its result. Takes `start` by reference: see net/task.h.
template <typename T>
Task<base::Result<T>> AwaitCallback(std::function<void(Callback<T>)>& start);

// The same; when the client of `exchange` goes away first, calls `cancel` (once, on the strand) and still
// waits for the callback, so that whatever the work refers to stays alive. The result is what the callback
// then says.
template <typename T>
Task<base::Result<T>> AwaitCallbackOrDisconnect(HttpExchange& exchange,
                                                std::function<void(Callback<T>)>& start,
                                                std::function<void()>& cancel);

}  // namespace blindai::net
