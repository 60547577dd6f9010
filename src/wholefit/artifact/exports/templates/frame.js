// @title@
// One ES module without dependencies, for browsers, Node, Deno, Bun and edge workers.
//
//   import { answer, predict, labels, columns } from "./@file@";
//   predict({ "@first@": ... })      the label, or the number
//   answer({ ... })                  the probabilities in the order of `labels`, or [the number]
//
// A row is an object with one value a column: a number, text, true, false, a Date, or null where
// it is missing. Text that spells a number, a truth value or an ISO time is read as one.

const model = @model@;

export const labels = model.labels;
export const columns = model.columns.map((column) => column.name);

/** The answer to one row: probabilities in the order of `labels`, or one number, as an array. */
export function answer(row) {
  const cells = model.columns.map((column) => {
    if (!(column.name in row)) throw new TypeError(`the row lacks column "${column.name}"`);
    return readers[column.kind](row[column.name], column);
  });
  for (const [operation, out, given] of steps) operation(cells, out, ...given);
  return Array.from(registers[model.answer]);
}

/** The label decided for one row, or the number. */
export function predict(row) {
  const found = answer(row);
  return labels.length ? labels[decide(found)] : found[0];
}

/** The place of the label decided for an answer. */
export function decide(found) {
  const rule = model.rule;
  if (rule && "threshold" in rule) {
    return found[rule.positive] >= rule.threshold ? rule.positive : 1 - rule.positive;
  }
  const sums = rule
    ? found.map((_, j) => -found.reduce((sum, share, i) => sum + share * rule.costs[i][j], 0))
    : found;
  let best = 0;
  for (let i = 1; i < sums.length; i++) if (sums[i] > sums[best]) best = i;
  return best;
}

const none = new Set(["", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "nil", "nat", "?",
  "-", "--", ".", "missing"]);
const truths = { true: 1, t: 1, yes: 1, y: 1, 1: 1, "1.0": 1, on: 1,
  false: 0, f: 0, no: 0, n: 0, 0: 0, "0.0": 0, off: 0 };

function wrong(value, column) {
  throw new TypeError(`column "${column.name}" must hold a ${column.kind}; got ${
    String(JSON.stringify(value) ?? value).slice(0, 80)}`);
}
function isMissing(value) {
  return value === null || value === undefined || Number.isNaN(value)
    || (typeof value === "string" && none.has(value.trim().toLowerCase()));
}
const readers = {
  number(value, column) {
    if (isMissing(value)) return NaN;
    if (typeof value === "number" || typeof value === "boolean") return Number(value);
    const word = typeof value === "string" ? value.trim() : "";
    if (/^[+-]?inf(inity)?$/i.test(word)) return word[0] === "-" ? -Infinity : Infinity;
    return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(word) ? Number(word) : wrong(value, column);
  },
  truth(value, column) {
    if (isMissing(value)) return NaN;
    if (typeof value === "number" || typeof value === "boolean") return Number(value);
    const word = typeof value === "string" ? value.trim().toLowerCase() : "";
    return Object.hasOwn(truths, word) ? truths[word] : wrong(value, column);
  },
  level(value, column) {
    if (value === null || value === undefined || Number.isNaN(value)) return null;
    if (typeof value === "boolean") return column.spelt[String(value)] ?? String(value);
    if (typeof value === "string" || typeof value === "number") return String(value);
    return wrong(value, column);
  },
  text(value, column) { return readers.level(value, column); },
  time(value, column) {
    if (isMissing(value)) return NaN;
    if (value instanceof Date) return value.getTime() * 1000;
    if (typeof value === "number") return value; // microseconds since 1970
    const found = typeof value === "string" && value.trim().match(
      /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:Z|[+-][\d:]+)?)?$/);
    if (!found) return wrong(value, column);
    const [, year, month, day, hour = 0, minute = 0, second = 0, part = ""] = found;
    const date = new Date(0);
    date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
    date.setUTCHours(Number(hour), Number(minute), Number(second));
    return date.getTime() * 1000 + Number(part.padEnd(6, "0").slice(0, 6));
  },
};

@operations@
function unpacked([kind, text]) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  if (kind === "u1") return bytes;
  const [made, size, read] = kind === "f8" ? [Float64Array, 8, "getFloat64"]
    : [Int32Array, 4, "getInt32"];
  return made.from({ length: bytes.length / size }, (_, i) => view[read](i * size, true));
}

const tables = model.tables.map(unpacked);
const words = model.words.map((list) => new Map(list.map((word, i) => [word, i])));
const registers = model.registers.map((width) => new Float64Array(width));
const constants = { r: (i) => registers[i], t: (i) => tables[i], w: (i) => words[i],
  c: (i) => i, n: (value) => (value === "nan" ? NaN : value === "inf" ? Infinity : value) };
const steps = model.steps.map(([name, out, start, width, given]) => [operations[name],
  registers[out].subarray(start, start + width),
  given.map(([kind, value]) => constants[kind](value))]);
