// What every server program does with its own process first.
#pragma once

#include <signal.h>

namespace blindai::program {

// Nothing of a request may reach a disk or another process of this machine: no core file, no debugger of the same user.
// A peer that goes away is an error value and not a signal.
void HardenProcess();

// SIGINT and SIGTERM are waited for and never interrupt anything. Before any thread is started, so that all inherit it.
sigset_t BlockStopSignals();

}  // namespace blindai::program
