// The one thing that may stay on this computer when the page is closed: the text of a session whose owner asked for it.
// The sound never stays.

const kPlace = "blindai.draft";

/** The kept drafts: [{name, transcript}]. */
export function drafts() {
  try {
    return JSON.parse(localStorage.getItem(kPlace) ?? "[]");
  } catch {
    return [];
  }
}

export const isKept = (session) => drafts().some(({name}) => name === session.name);

export function keep(session) {
  write([...without(session), {name: session.name, transcript: session.transcript}]);
}

export function forget(session) {
  write(without(session));
}

export function forgetAll() {
  localStorage.removeItem(kPlace);
}

const without = (session) => drafts().filter(({name}) => name !== session.name);

function write(kept) {
  if (kept.length === 0) forgetAll();
  else localStorage.setItem(kPlace, JSON.stringify(kept));
}
