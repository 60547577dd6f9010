#include <stdio.h>

/* Cells of a CSV table (RFC 4180), one after another; empty ones without quotes are missing. */
static char *wf_line;
static size_t wf_room;

static void wf_keep(size_t at, char letter) {
  if (at >= wf_room) {
    wf_room = wf_room ? 2 * wf_room : 4096;
    wf_line = (char *)realloc(wf_line, wf_room);
    if (!wf_line) { fprintf(stderr, "no memory is left\n"); exit(1); }
  }
  wf_line[at] = letter;
}

/* Reads one record into wf_line, each cell ended by 0; -1 at the end of the table. `quoted` and
 * `begin` hold `most` cells; the number of cells is given back. */
static int wf_record(int most, size_t *begin, int *quoted) {
  int count = 0, inside = 0, letter = getchar();
  size_t at = 0;
  if (letter == EOF) return -1;
  begin[0] = 0;
  quoted[0] = 0;
  for (;; letter = getchar()) {
    if (inside && letter == '"') {
      letter = getchar();
      if (letter != '"') { inside = 0; ungetc(letter, stdin); continue; }
    } else if (!inside && letter == '"') {
      inside = 1;
      if (count < most) quoted[count] = 1;
      continue;
    } else if (!inside && letter == '\r') {
      continue;
    } else if (letter == EOF || (!inside && (letter == ',' || letter == '\n'))) {
      wf_keep(at++, 0);
      count++;
      if (letter != ',') return count;
      if (count < most) { begin[count] = at; quoted[count] = 0; }
      continue;
    }
    wf_keep(at++, (char)letter);
  }
}

int main(void) {
  enum { most = 4096 };
  static size_t begin[most];
  static int quoted[most], place[most], seen[WF_COLUMNS];
  double out[WF_ANSWERS];
  wf_row row;
  int cells = wf_record(most, begin, quoted), found = 0;
  if (cells < 0 || cells > most) { fprintf(stderr, "a table with a header is needed\n"); return 2; }
  for (int i = 0; i < cells; i++) {
    place[i] = wf_find(wf_line + begin[i]);
    found += place[i] >= 0 && !seen[place[i]]++;
  }
  if (found < WF_COLUMNS) { fprintf(stderr, "the table lacks a column\n"); return 2; }
@header@
  for (long line = 2;; line++) {
    int count = wf_record(most, begin, quoted);
    if (count < 0) return 0;
    if (count == 1 && cells > 1 && !wf_line[0]) continue; /* an empty line */
    wf_clear(&row);
    for (int i = 0; i < count && i < cells; i++) {
      const char *cell = wf_line + begin[i];
      if (place[i] < 0 || (!*cell && !quoted[i])) continue;
      if (!wf_set_text(&row, place[i], cell)) {
        fprintf(stderr, "line %ld, column %s: cannot read '%.60s'\n", line, wf_names[place[i]],
                cell);
        return 1;
      }
    }
    wf_answer(&row, out);
@print@
  }
}
