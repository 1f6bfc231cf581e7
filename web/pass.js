// The page's key to the gateway: it stands behind the # of the address that `blindai gateway` printed, where no request
// carries it, and leaves the address bar at once. This tab keeps it over a reload; closing the tab forgets it.

const kPlace = "blindai.pass";

function readPass() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(kPlace, given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(kPlace) ?? "";
}

const pass = readPass();

/** The headers of a request. */
export const passHeaders = () => (pass ? {Authorization: `Bearer ${pass}`} : {});

/** The subprotocols of a WebSocket, which can have no headers of ours. */
export const passProtocols = () => (pass ? [`blindai-token.${pass}`] : []);
