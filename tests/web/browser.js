// A real browser with the page open, for the stories beside this file. The address of the gateway's page, its token
// included, is in BLINDAI_PAGE; tests/python/test_page.py starts server and gateway.

import assert from "node:assert/strict";
import {fileURLToPath} from "node:url";

import {chromium} from "playwright-core";

const folder = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
export const kDemo = folder("models/blindai-demo-en/");
export const kPage = process.env.BLINDAI_PAGE;
// Generous: it is only waited for in full where something is broken.
export const kPatienceMs = 300_000;

/**
 * Opens the page and runs `story(page, context)` in a browser of its own. `sound`: a WAV file that the microphone hears.
 * Fails when the page says anything on its console that is an error, or asks anybody but the gateway.
 */
export async function withPage(story, {sound, address = kPage, ...options} = {}) {
  const browser = await chromium.launch({
    timeout: kPatienceMs,
    executablePath: process.env.BLINDAI_CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--autoplay-policy=no-user-gesture-required",
      ...(sound
        ? [
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            `--use-file-for-fake-audio-capture=${sound}`,
          ]
        : []),
    ],
  });
  try {
    const context = await browser.newContext({
      viewport: {width: 1280, height: 900},
      locale: "en-GB",
      acceptDownloads: true,
      permissions: sound ? ["microphone"] : [],
      ...options,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(kPatienceMs);
    const wrong = [];
    const own = new URL(address).host;
    page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
    page.on("console", (message) => {
      // A refused request is said by the browser too; the stories look at what the page makes of it.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
        wrong.push(message.text());
    });
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith("http") && url.host !== own) wrong.push(`asked ${url.host}`);
    });
    await page.goto(address);
    await story(page, context);
    assert.deepEqual(wrong, []);
  } finally {
    await browser.close();
  }
}

export const verdict = (page, word) => page.locator("#trust .word", {hasText: word}).waitFor();

export const button = (page, name) => page.getByRole("button", {name, exact: true});

/** Holds back what the page asks of `path` until the function that it gives is called. */
export async function hold(page, path) {
  let release;
  const released = new Promise((resolve) => (release = resolve));
  await page.route(path, async (route) => {
    await released;
    // What the page gave up meanwhile cannot go on.
    await route.continue().catch(() => {});
  });
  return release;
}

/** Drops recordings in and waits until the last one can be read. */
export async function transcribe(page, ...files) {
  await page.setInputFiles("#files", files);
  await button(page, `Read ${files.at(-1).split("/").at(-1)}`).waitFor();
}

/** The text of a download that `press` begins. */
export async function download(page, press) {
  const [file] = await Promise.all([page.waitForEvent("download"), press()]);
  return {name: file.suggestedFilename(), path: await file.path()};
}
