/** Tables as CSV files (RFC 4180), as spreadsheets open them. */

/** Says that the file is UTF-8, which spreadsheets do not guess. */
const MARK = "\ufeff";
/** A text that begins so would be computed by a spreadsheet. */
const FORMULA = new RegExp("^[=+\\-@\\t\\r]", "u");

/**
 * @param {string} name of the file
 * @param {string[]} header
 * @param {unknown[][]} rows
 */
export function downloadCsv(name, header, rows) {
  const text = [header, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([MARK, text, "\r\n"], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = String(value);
  const harmless = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/u.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
