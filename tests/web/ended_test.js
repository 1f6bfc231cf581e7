// The page when what it speaks with ends: first the server, then the gateway. Their process ids are in BLINDAI_SERVER and
// BLINDAI_GATEWAY.

import assert from "node:assert/strict";
import {test} from "node:test";

import {button, kDemo, verdict, withPage} from "./browser.js";

const kServer = Number(process.env.BLINDAI_SERVER);

test("the page turns red when the server is gone, and again when the gateway is", () =>
  withPage(async (page) => {
    await verdict(page, "Simulation");
    // It is killed while it has a recording, which it cannot finish before. Models are listed before anything is sent.
    await page.waitForFunction(() => document.getElementById("model")?.value);
    process.kill(kServer, "SIGSTOP");
    await page.setInputFiles("#files", `${kDemo}session.wav`);
    await page.getByText(/^(Sending|Writing)/).waitFor();
    process.kill(kServer, "SIGKILL");
    await verdict(page, "No connection");
    await button(page, "Try again session.wav").waitFor();
    assert.match(await page.locator(".sessions .trouble").innerText(), /connection|server/);
    assert.equal(await page.locator("#trust .verdict").getAttribute("role"), "alert");
    await page.setInputFiles("#files", `${kDemo}hello_world.wav`);
    await page.getByText("Waits until the server is proved").waitFor();
    process.kill(Number(process.env.BLINDAI_GATEWAY), "SIGTERM");
    await verdict(page, "Gateway stopped");
  }));
