// The page beside a server in simulation that has a speech model: what a person does with it, in a real browser.

import assert from "node:assert/strict";
import {copyFile, readFile} from "node:fs/promises";
import {createRequire} from "node:module";
import {test} from "node:test";

import {button, download, hold, kDemo, kPage, kPatienceMs, transcribe, verdict, withPage} from "./browser.js";

const kSession = `${kDemo}session.wav`;
const kHello = `${kDemo}hello_world.wav`;

test("a simulation is called so, in words, and the key leaves the address bar", () =>
  withPage(async (page) => {
    await verdict(page, "Simulation");
    assert.match(await page.locator("#trust .verdict").innerText(), /can read everything/);
    assert.match(await page.locator("#trust").innerText(), /nobody: simulated evidence/);
    assert.equal(new URL(page.url()).hash, "");
    assert.match(await page.title(), /^Simulation/);
    await page.reload();
    await verdict(page, "Simulation");
  }));

test("without the key the page shows nothing and says where it is", () =>
  withPage(
    async (page) => {
      await verdict(page, "Not your page");
      assert.match(
        await page.locator("#trust .verdict").innerText(),
        /address that .blindai gateway. printed/,
      );
    },
    {address: kPage.split("#")[0]},
  ));

test("a dropped session becomes turns of its speakers, which can be heard, searched, corrected and exported", () =>
  withPage(async (page) => {
    await verdict(page, "Simulation");
    await page.getByText("Options").click();
    await page.getByLabel("First channel is").fill("Therapist");
    await page.getByLabel("Second channel is").fill("Patient");
    await transcribe(page, kSession);
    const turns = page.locator(".turn");
    assert.ok((await turns.count()) >= 6);
    assert.deepEqual(await page.locator(".turn .speaker").first().textContent(), "Therapist");
    assert.ok((await page.locator(".word.unsure").count()) > 0);
    assert.match(
      await page.locator("canvas").getAttribute("aria-label"),
      /1:00 of sound\. Therapist: 0:\d\d written/,
    );

    // A word is heard at its moment, by mouse and by keyboard.
    const position = () => page.locator("audio").evaluate((audio) => audio.currentTime);
    await turns.nth(2).locator(".word").first().click();
    await page.waitForFunction(() => !document.querySelector("audio").paused);
    assert.ok((await position()) > 10);
    await page.locator(".word.now").waitFor();
    await page.locator("audio").evaluate((audio) => audio.pause());
    // The sound stands still, so that its place is the word's however long this takes.
    await page.locator("audio").evaluate((audio) => (audio.playbackRate = 0));
    await turns.first().locator(".word").first().click();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    assert.ok((await position()) < 5);
    await page.locator("audio").evaluate((audio) => audio.pause());

    await page.getByLabel("Find").fill("HELLO");
    assert.match(await page.locator("#reader").innerText(), /1 of 1/);
    assert.equal(await page.locator(".word.found.current").innerText(), "hello");

    await turns
      .first()
      .getByRole("button", {name: /^Correct/})
      .click();
    await page.getByRole("textbox", {name: /^Text at/}).fill("Hello. It is good to see you <b>again</b>.");
    await button(page, "Keep").click();
    assert.match(await turns.first().textContent(), /corrected/);

    await page.getByLabel("Speaker 2").fill("Anna");
    await page.keyboard.press("Tab");
    assert.equal(await turns.nth(1).locator(".speaker").textContent(), "Anna");

    const wanted = {
      Text: /\[0:00\] Therapist\nHello\. It is good/,
      "Subtitles (SRT)": /^1\n00:00:00,\d{3} --> /,
      "Subtitles (VTT)": /^WEBVTT\n\n00:00:00\.\d{3} --> .*\n<v Therapist>Hello/,
      JSON: /"speaker": "Anna"/,
    };
    for (const [name, pattern] of Object.entries(wanted)) {
      const file = await download(page, () => button(page, name).click());
      assert.match(file.name, /^session\.wav\.(txt|srt|vtt|json)$/);
      assert.match(await readFile(file.path, "utf8"), pattern, name);
      await copyFile(file.path, `${process.env.BLINDAI_EXPORTS}/${file.name}`);
    }
    const word = await download(page, () => button(page, "Word").click());
    await copyFile(word.path, `${process.env.BLINDAI_EXPORTS}/${word.name}`);
  }));

test("several files wait in line; the line can be paused, and one can be cancelled", () =>
  withPage(async (page) => {
    await verdict(page, "Simulation");
    const release = await hold(page, "**/v1/audio/transcriptions");
    await page.setInputFiles("#files", [kSession, kHello, kHello]);
    await button(page, "Pause after this one").click();
    release();
    await button(page, "Read session.wav").waitFor();
    const rows = page.locator(".sessions li");
    assert.match(await rows.nth(1).innerText(), /Paused/);
    await rows.nth(2).getByRole("button", {name: "Cancel"}).click();
    assert.match(await rows.nth(2).innerText(), /Cancelled/);
    await button(page, "Go on").click();
    await button(page, "Read hello_world.wav").waitFor();
    await rows.nth(2).getByRole("button", {name: "Remove"}).click();
    assert.equal(await rows.count(), 2);
  }));

test("a recording that is under way is cancelled, and can be tried again", () =>
  withPage(async (page) => {
    await verdict(page, "Simulation");
    const release = await hold(page, "**/v1/audio/transcriptions");
    await page.setInputFiles("#files", kSession);
    await button(page, "Cancel session.wav").click();
    await page.getByText("Cancelled").waitFor();
    release();
    await button(page, "Try again session.wav").click();
    await button(page, "Read session.wav").waitFor();
  }));

test("a recording that comes before the list of models waits for it", () =>
  withPage(async (page) => {
    await verdict(page, "Simulation");
    const release = await hold(page, "**/v1/models");
    await page.reload();
    await verdict(page, "Simulation");
    await page.setInputFiles("#files", kHello);
    await page.getByText("Waits until the server is proved").waitFor();
    release();
    await button(page, "Read hello_world.wav").waitFor();
  }));

test("files that are dragged in from the desktop are taken, wherever on the page they fall", () =>
  withPage(async (page, context) => {
    await verdict(page, "Simulation");
    const mouse = await context.newCDPSession(page);
    const drag = (type, x, y) =>
      mouse.send("Input.dispatchDragEvent", {
        type,
        x,
        y,
        data: {items: [], files: [kHello, kSession], dragOperationsMask: 1},
      });
    const card = await page.locator("#drop").boundingBox();
    await drag("dragEnter", card.x + 5, card.y + 5);
    await drag("dragOver", card.x + 5, card.y + 5);
    await page.locator("#drop.over").waitFor();
    await drag("dragOver", 2, 2);
    await drag("drop", 2, 2);
    await button(page, "Read hello_world.wav").waitFor();
    await button(page, "Read session.wav").waitFor();
    assert.equal(await page.locator("#drop.over").count(), 0);
  }));

test("a recording of two hours is written, read and heard to its end", () =>
  withPage(async (page) => {
    await verdict(page, "Simulation");
    await transcribe(page, process.env.BLINDAI_TWO_HOURS);
    const name = process.env.BLINDAI_TWO_HOURS.split("/").at(-1);
    assert.match(await page.locator(".sessions li", {hasText: name}).innerText(), /2:02:0\d, \d\d\d words/);
    assert.match(await page.locator("canvas").getAttribute("aria-label"), /^2:02:0\d of sound/);
    const turns = page.locator(".turn");
    assert.match(await turns.first().textContent(), /^0:0\d.*hello/);
    assert.match(await turns.last().textContent(), /^2:0[12]:\d\d/);
    await turns.last().locator(".word").last().click();
    await page.waitForFunction(() => document.querySelector("audio").currentTime > 7200);
  }));

test("a file that is no recording is refused in words", () =>
  withPage(async (page) => {
    await verdict(page, "Simulation");
    await page.setInputFiles("#files", {
      name: "notes.wav",
      mimeType: "audio/wav",
      buffer: Buffer.from("no sound at all"),
    });
    await page.locator(".sessions .trouble").waitFor();
    assert.ok((await page.locator(".sessions .trouble").innerText()).length > 20);
  }));

test("what is spoken is written live, and can be read and heard after", () =>
  withPage(
    async (page) => {
      await verdict(page, "Simulation");
      await page.waitForFunction(() => !document.getElementById("live-wanted").disabled);
      await button(page, "Record").click();
      await page.waitForFunction(() => Number(document.getElementById("loudness")?.value) > 0.05);
      // A final is text of its own; what may still change is in an element. Where the sound begins is the browser's affair.
      const final = await page.waitForFunction(() => {
        const first = document.querySelector("#live .said")?.firstChild;
        return first?.nodeType === Node.TEXT_NODE && first.textContent.trim();
      });
      await button(page, "Finish").click();
      await page.locator("#reader .word").first().waitFor();
      const words = await page.locator(".turns .word").allTextContents();
      assert.ok(words.join(" ").startsWith(await final.jsonValue()));
      assert.ok((await page.locator("audio").evaluate((audio) => audio.duration)) > 1);
      assert.equal(await page.locator("#live").isHidden(), true);
    },
    {sound: kSession},
  ));

test("without live text a recording is paused, finished and then written", () =>
  withPage(
    async (page) => {
      await verdict(page, "Simulation");
      await page.getByLabel("Write while I speak").uncheck();
      await button(page, "Record").click();
      // Speech is heard, and three seconds more: when the file begins is the browser's affair.
      await page.waitForFunction(() => Number(document.getElementById("loudness")?.value) > 0.05);
      const heard = await page.locator("#recording-time").textContent();
      await page.waitForFunction(
        ([minutes, seconds]) => {
          const now = document.getElementById("recording-time")?.textContent.split(":").map(Number);
          return now && 60 * now[0] + now[1] >= 60 * minutes + seconds + 3;
        },
        heard.split(":").map(Number),
      );
      await button(page, "Pause").click();
      await page.locator("#recording-state", {hasText: "Paused"}).waitFor();
      await button(page, "Go on").click();
      await button(page, "Finish").click();
      await page.locator("#reader .word").first().waitFor();
    },
    {sound: kSession},
  ));

test("a microphone that is refused is explained", () =>
  withPage(async (page) => {
    await verdict(page, "Simulation");
    await button(page, "Record").click();
    await page.locator("#record .trouble", {hasText: /microphone/}).waitFor();
  }));

test("nothing is kept unless it is asked for, and everything can be forgotten", () =>
  withPage(async (page) => {
    await verdict(page, "Simulation");
    await transcribe(page, kHello);
    const stored = () =>
      page.evaluate(async () => ({
        local: Object.values(localStorage),
        cookies: document.cookie,
        databases: (await indexedDB.databases()).length,
        caches: (await caches.keys()).length,
        session: Object.keys(sessionStorage),
      }));
    assert.deepEqual(await stored(), {
      local: [],
      cookies: "",
      databases: 0,
      caches: 0,
      session: ["blindai.pass"],
    });
    await page.reload();
    await verdict(page, "Simulation");
    assert.equal(await page.locator(".sessions li").count(), 0);

    await transcribe(page, kHello);
    await page.getByLabel("Keep the text on this computer").check();
    await page.reload();
    await button(page, "Read hello_world.wav").click();
    assert.match(await page.locator(".turns").textContent(), /hello/);
    assert.equal(await page.locator("audio").count(), 0, "the sound is not kept");

    await button(page, "Forget everything").click();
    assert.equal(await page.locator("#reader").isHidden(), true);
    assert.deepEqual((await stored()).local, []);
  }));

test("the evidence can be taken away for an auditor", () =>
  withPage(async (page) => {
    await verdict(page, "Simulation");
    const file = await download(page, () => button(page, "Download the evidence").click());
    assert.equal(JSON.parse(await readFile(file.path, "utf8")).tee, "simulated");
  }));

const kAxe = createRequire(import.meta.url).resolve("axe-core");
for (const colorScheme of ["light", "dark"]) {
  for (const viewport of [
    {width: 1280, height: 900},
    {width: 360, height: 740},
  ]) {
    test(`${colorScheme} at ${viewport.width} pixels: nothing serious for assistive technology, no sideways scrolling`, () =>
      withPage(
        async (page) => {
          await verdict(page, "Simulation");
          await transcribe(page, kHello);
          for (const details of await page.locator("details:not([open]) > summary").all()) {
            if (await details.isVisible()) await details.click();
          }
          await page.getByLabel("Find").fill("hello");
          // The page's own policy lets in no script but its own; the debugger's way is not the page's.
          await page.evaluate(await readFile(kAxe, "utf8"));
          const {violations} = await page.evaluate(() => axe.run());
          const serious = violations.filter(({impact}) => impact === "serious" || impact === "critical");
          assert.deepEqual(
            serious.map(({id, nodes}) => [id, nodes.map(({html}) => html)]),
            [],
          );
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(wide <= 0, `${wide} pixels wider than the window`);
        },
        {colorScheme, viewport},
      ));
  }
}

test(
  "the keyboard alone opens a session and reads it",
  () =>
    withPage(async (page) => {
      await verdict(page, "Simulation");
      await transcribe(page, kHello);
      const focused = () =>
        page.evaluate(() => document.activeElement.textContent + (document.activeElement.className ?? ""));
      await page.locator("#reader h2").focus();
      for (let i = 0; i < 40 && !(await focused()).includes("word"); ++i) await page.keyboard.press("Tab");
      assert.match(await focused(), /^hello/);
      await page.keyboard.press("ArrowRight");
      assert.doesNotMatch(await focused(), /^hello/);
    }),
  {timeout: kPatienceMs},
);
