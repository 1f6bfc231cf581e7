// The verdict in words that a person without a background in security understands. Pure. The verdict itself is the
// gateway's; nothing is decided here.

/** What the page does with each verdict: `send` says whether the gateway lets data through. */
const kVerdicts = {
  trusted: {
    word: "Trusted",
    sentence: "The server proved what it runs. Nobody else can read what you send, its operator included.",
    send: true,
  },
  simulation: {
    word: "Simulation",
    sentence: "For trying out only: whoever runs this server can read everything. Never send a real session.",
    send: true,
  },
  refused: {
    word: "Refused",
    sentence: "The server is not what it should be. Nothing is sent to it.",
    send: false,
  },
  undecided: {
    word: "Not proved",
    sentence: "Something that must be known about the server could not be checked. Nothing is sent to it.",
    send: false,
  },
  unreachable: {
    word: "No connection",
    sentence: "The server cannot be reached. Nothing is sent.",
    send: false,
  },
  gateway: {
    word: "Gateway stopped",
    sentence:
      "The program on this computer that checks the server does not answer. Start “blindai gateway” again.",
    send: false,
  },
  locked: {
    word: "Not your page",
    sentence:
      "The gateway does not know this tab. Open the address that “blindai gateway” printed when it started.",
    send: false,
  },
  connecting: {
    word: "Checking",
    sentence: "The server is being checked. Nothing is sent before that.",
    send: false,
  },
};

/** {state, word, sentence, send, action}: what stands at the top. `action` is what to do, or "". */
export function headline(status) {
  const state = kVerdicts[status.state] ? status.state : "undecided";
  const {send} = kVerdicts[state];
  const failed = findings(status).find((finding) => finding.status === "FAILED" && finding.hint);
  const said = status.error?.message ?? "";
  return {state, ...kVerdicts[state], action: send ? "" : (state === "refused" && failed?.hint) || said};
}

const kOrder = ["FAILED", "SKIPPED", "PASSED"];

/** The findings; what a reader must act on stands first. */
export function findings(status) {
  return [...(status.verdict?.findings ?? [])].sort(
    (a, b) => kOrder.indexOf(a.status) - kOrder.indexOf(b.status),
  );
}

const kMakers = {
  sgx: "Intel (SGX enclave)",
  tdx: "Intel (TDX virtual machine)",
  snp: "AMD (SEV-SNP virtual machine)",
  tpm: "the maker of its security chip (TPM)",
  nitro: "Amazon Web Services (Nitro enclave)",
  simulated: "nobody: simulated evidence is signed by a key that everybody has",
};

/** Who says so: [[name, text]]. */
export function witnesses(status) {
  const {verdict} = status;
  if (!verdict) return [];
  const simulation = verdict.verdict === "simulation";
  return [
    ["Vouched for by", kMakers[verdict.tee] ?? "nobody that this program knows"],
    ["Program measured", short(verdict.claims?.measurement ?? "not known")],
    [
      "Accepted by",
      simulation ? "your permission for a simulation" : status.policy ? "your policy file" : "nobody yet",
    ],
  ];
}

// The whole of it stands among the checks.
const short = (digest) => (digest.length > 24 ? `${digest.slice(0, 12)}…${digest.slice(-8)}` : digest);

const kLinks = {
  maker: "Who made the machine",
  connection: "This connection",
  question: "A fresh answer",
  policy: "What you accept",
};

/** From the maker down to this page: [{name, status, says}]. Links that this page does not know stand last. */
export function chain(status) {
  const links = status.chain ?? [];
  if (links.length === 0) return [];
  const order = Object.keys(kLinks);
  const place = ({link}) => (order.includes(link) ? order.indexOf(link) : order.length);
  const drawn = [...links]
    .sort((a, b) => place(a) - place(b))
    .map((link) => ({...link, name: kLinks[link.link] ?? link.link}));
  return [
    ...drawn,
    {name: "This page", status: "", says: "It shows what the gateway on this computer found."},
  ];
}

/** What the present state proves, and what it does not. */
export function meaning(state) {
  if (state === "trusted") {
    return {
      proves: [
        "The program that answers is the one that your policy names, on hardware that keeps its operator out.",
        "This very connection ends inside that program: nobody in between can read or change it.",
      ],
      not: [
        "That the text is right. Read it before you rely on it.",
        "That this computer is safe: whoever controls it can hear and read what you do.",
        "That the hardware has no flaw that nobody has found yet.",
      ],
    };
  }
  if (state === "simulation") {
    return {
      proves: ["That the program works."],
      not: ["Anything about the machine. Its operator, and whoever broke into it, can read everything."],
    };
  }
  return {
    proves: ["Nothing: until the server is proved, nothing is sent to it."],
    not: [
      "That somebody attacks you. A wrong setting or an update is the more common reason: show the findings to " +
        "whoever looks after the server.",
    ],
  };
}
