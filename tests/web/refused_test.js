// The page beside a server that is refused: it says so and why, and nothing leaves the page.

import assert from "node:assert/strict";
import {test} from "node:test";

import {kDemo, verdict, withPage} from "./browser.js";

test("a refused server is called so, with what to do, and no recording is sent", () =>
  withPage(async (page) => {
    const sent = [];
    page.on("request", (request) => {
      if (request.method() !== "GET") sent.push(request.url());
    });
    await verdict(page, "Refused");
    assert.match(await page.locator("#trust .verdict").innerText(), /Nothing is sent to it/);
    assert.match(await page.locator("#trust .action").innerText(), /simulat/);
    assert.match(await page.locator("#trust .findings").first().innerText(), /hardware: failed/);
    await page.setInputFiles("#files", `${kDemo}hello_world.wav`);
    await page.getByText("Waits until the server is proved").waitFor();
    assert.ok(await page.getByLabel("Write while I speak").isDisabled());
    await page.reload();
    await verdict(page, "Refused");
    assert.deepEqual(sent, []);
  }));
