// Times and sizes as people write them. Pure.

/** 75.3 -> "1:15", 3675 -> "1:01:15". */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** 75.3456 with "," -> "00:01:15,346": SRT takes a comma, WebVTT a point. */
export function subtitleClock(seconds, mark) {
  const ms = Math.round(Math.max(0, seconds) * 1000);
  const two = (number) => String(number).padStart(2, "0");
  const whole = Math.floor(ms / 1000);
  const start = `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return start + mark + String(ms % 1000).padStart(3, "0");
}

/** 1536000 -> "1.5 MB". */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  let value = bytes;
  let unit = "";
  for (const next of ["kB", "MB", "GB"]) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** The time of day of an RFC 3339 text, in the reader's own way; "" of nothing. */
export function timeOfDay(when) {
  const date = new Date(when ?? NaN);
  return Number.isNaN(date.getTime())
    ? ""
    : date.toLocaleTimeString([], {hour: "2-digit", minute: "2-digit"});
}
