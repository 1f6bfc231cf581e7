// Pictures of the page for people to look at: node screenshots.js FOLDER (./run screenshots). BLINDAI_PAGE is the page
// beside a server in simulation that has a speech model, BLINDAI_REFUSED_PAGE beside one that is refused.

import {mkdir} from "node:fs/promises";

import {button, kDemo, kPage, transcribe, verdict, withPage} from "./browser.js";

const folder = process.argv[2];
const kSession = `${kDemo}session.wav`;

// What the gateway says of a server that proved itself. Invented: no such hardware is at hand where pictures are made.
const kTrusted = {
  state: "trusted",
  server: "blindai.example:8443",
  since: "2026-11-02T08:14:05Z",
  verified_at: "2026-11-02T09:04:41Z",
  policy: true,
  verdict: {
    verdict: "trusted",
    mode: "hardware",
    tee: "snp",
    claims: {measurement: "5f".repeat(48)},
    findings: [
      ["report signature", "ECDSA P-384 by the chip's VCEK"],
      ["measurement", "5f".repeat(48)],
      ["debug", "off"],
      ["nonce", "the one of this question"],
      ["connection", "the exporter of this TLS connection"],
    ].map(([check, seen]) => ({code: "ok", check, status: "PASSED", seen, wanted: "", hint: ""})),
  },
  chain: [
    {link: "maker", status: "PASSED", says: "AMD signed the chip's key (Genoa)."},
    {link: "connection", status: "PASSED", says: "The evidence belongs to this very connection."},
    {link: "question", status: "PASSED", says: "The server answered a new random question."},
    {link: "policy", status: "PASSED", says: "Your policy names this measurement."},
  ],
};

// Stories, each from the page as it opens to the moment of its picture.
const stories = {
  async trusted(page) {
    await page.addInitScript((status) => {
      const ask = window.fetch;
      // It stays open, as the gateway's own does.
      const events = () =>
        new ReadableStream({
          start: (stream) =>
            stream.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(status)}\n\n`)),
        });
      window.fetch = (address, ...rest) =>
        address === "gateway/events" ? Promise.resolve(new Response(events())) : ask(address, ...rest);
    }, kTrusted);
    await page.reload();
    await verdict(page, "Trusted");
  },
  async simulation(page) {
    await verdict(page, "Simulation");
  },
  async refused(page) {
    await verdict(page, "Refused");
  },
  async transcript(page) {
    await verdict(page, "Simulation");
    await page.getByText("Options").click();
    await page.getByLabel("First channel is").fill("Therapist");
    await page.getByLabel("Second channel is").fill("Patient");
    await transcribe(page, kSession);
    await page.getByLabel("Find").fill("hello");
  },
  async live(page) {
    await verdict(page, "Simulation");
    await page.waitForFunction(() => document.getElementById("model")?.value);
    await button(page, "Record").click();
    await page.waitForFunction(
      () => document.querySelector("#live .said")?.firstChild?.nodeType === Node.TEXT_NODE,
    );
  },
};

const viewports = {desktop: {width: 1280, height: 900}, phone: {width: 360, height: 740}};

await mkdir(folder, {recursive: true});
for (const [story, play] of Object.entries(stories)) {
  for (const [device, viewport] of Object.entries(viewports)) {
    for (const colorScheme of ["light", "dark"]) {
      const path = `${folder}/${story}-${device}-${colorScheme}.png`;
      const address = story === "refused" ? process.env.BLINDAI_REFUSED_PAGE : kPage;
      await withPage(
        async (page) => {
          await play(page);
          // What stays in sight stands where it does before anybody scrolls, and turns out of sight are drawn too.
          await page.evaluate(() => {
            window.scrollTo({top: 0, behavior: "instant"});
            for (const turn of document.querySelectorAll(".turn")) turn.style.contentVisibility = "visible";
          });
          await page.screenshot({path, fullPage: true, animations: "disabled"});
        },
        {address, viewport, colorScheme, sound: story === "live" ? kSession : undefined},
      );
      console.log(path);
    }
  }
}
