// The page when what it speaks with ends: first the server, then the gateway. Their process ids are in BLINDAI_SERVER and
// BLINDAI_GATEWAY.

import assert from "node:assert/strict";
import {test} from "node:test";

import {kDemo, verdict, withPage} from "./browser.js";

test("the page turns red when the server is gone, and again when the gateway is", () =>
  withPage(async (page) => {
    await verdict(page, "Simulation");
    process.kill(Number(process.env.BLINDAI_SERVER), "SIGKILL");
    await verdict(page, "No connection");
    assert.equal(await page.locator("#trust .verdict").getAttribute("role"), "alert");
    await page.setInputFiles("#files", `${kDemo}hello_world.wav`);
    await page.getByText("Waits until the server is proved").waitFor();
    process.kill(Number(process.env.BLINDAI_GATEWAY), "SIGTERM");
    await verdict(page, "Gateway stopped");
  }));
