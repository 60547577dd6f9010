/* @title@
 *
 * One file of plain C99 without any library but the standard one. To compile a program that reads
 * a CSV table from its input and writes answers: cc -O2 -DWF_MAIN @file@ -lm
 * To use it in a program of yours: compile this file beside it, and in yours say
 *     #define WF_DECLARE
 *     #include "@file@"
 * A row takes @stack@ bytes of the stack to answer. No memory is allocated, nothing is shared:
 * threads may answer at the same time.
 */
#ifndef WF_ROW
#define WF_ROW
#include <stdint.h>

#define WF_COLUMNS @columns@
#define WF_ANSWERS @answers@ /* @meaning@ */

/* One row: a number for columns of numbers, truth values (0 or 1) and times (microseconds since
 * 1970), NaN where it is missing; text in UTF-8 for names and texts, NULL where it is missing. */
typedef struct {
  double number[WF_COLUMNS];
  const char *text[WF_COLUMNS];
} wf_row;

/* What each column holds: 'n' numbers, 'b' truth values, 'c' names of a category, 't' times,
 * 'w' running text. */
extern const char *const wf_names[WF_COLUMNS];
extern const char wf_kinds[WF_COLUMNS];
@enum@
@labels_declared@
void wf_clear(wf_row *row);                        /* every cell missing */
int wf_find(const char *name);                     /* a column's place, -1 if there is none */
void wf_set_number(wf_row *row, int column, double value);
int wf_set_text(wf_row *row, int column, const char *text); /* as a table has it; 0 if it cannot
                                                    * be read; names and texts are not copied */
void wf_answer(const wf_row *row, double *out);    /* fills WF_ANSWERS numbers */
@label_declared@
#endif

#ifndef WF_DECLARE
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

@data@
@operations@
/* -- the program ------------------------------------------------------------------------ */

void wf_answer(const wf_row *row, double *out) {
@program@
}
@label_defined@
void wf_clear(wf_row *row) {
  for (int i = 0; i < WF_COLUMNS; i++) { row->number[i] = NAN; row->text[i] = 0; }
}

int wf_find(const char *name) {
  for (int i = 0; i < WF_COLUMNS; i++) if (!strcmp(wf_names[i], name)) return i;
  return -1;
}

void wf_set_number(wf_row *row, int column, double value) { row->number[column] = value; }

/* -- cells as text --------------------------------------------------------------------- */

static int wf_same(const char *a, const char *const *words) {
  for (; *words; words++) {
    size_t i = 0;
    while (a[i] && tolower((unsigned char)a[i]) == (unsigned char)(*words)[i]) i++;
    if (!a[i] && !(*words)[i]) return 1;
  }
  return 0;
}

static int wf_digits(const char **at, int count, int64_t *out) {
  *out = 0;
  for (int i = 0; i < count; i++, (*at)++) {
    if (!isdigit((unsigned char)**at)) return 0;
    *out = *out * 10 + (**at - '0');
  }
  return 1;
}

/* 2024-03-01, 2024-03-01 13:45, 2024-03-01T13:45:09.25: wall-clock time, without its zone. */
static int wf_time(const char *at, double *out) {
  int64_t year, month, day, hour = 0, minute = 0, second = 0, micros = 0, unit = 100000;
  if (!wf_digits(&at, 4, &year) || *at++ != '-' || !wf_digits(&at, 2, &month) || *at++ != '-' ||
      !wf_digits(&at, 2, &day)) return 0;
  if (*at == ' ' || *at == 'T') {
    at++;
    if (!wf_digits(&at, 2, &hour) || *at++ != ':' || !wf_digits(&at, 2, &minute)) return 0;
    if (*at == ':') { at++; if (!wf_digits(&at, 2, &second)) return 0; }
    if (*at == '.') for (at++; isdigit((unsigned char)*at); at++, unit /= 10)
      micros += unit * (*at - '0');
    if (*at == 'Z') at++;
    else if (*at == '+' || *at == '-') while (*++at) {}
  }
  if (*at) return 0;
  int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
  int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int64_t days = era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
  *out = (double)((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000000 + micros);
  return 1;
}

int wf_set_text(wf_row *row, int column, const char *text) {
  static const char *const none[] = {"", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "nil",
                                     "nat", "?", "-", "--", ".", "missing", 0};
  static const char *const yes[] = {"true", "t", "yes", "y", "1", "1.0", "on", 0};
  static const char *const no[] = {"false", "f", "no", "n", "0", "0.0", "off", 0};
  char word[64], *end = word;
  size_t size = strlen(text);
  if (wf_kinds[column] == 'c' || wf_kinds[column] == 'w') { row->text[column] = text; return 1; }
  while (size && isspace((unsigned char)*text)) { text++; size--; }
  while (size && isspace((unsigned char)text[size - 1])) size--;
  if (size >= sizeof word) return 0;
  memcpy(word, text, size);
  word[size] = 0;
  row->number[column] = NAN;
  if (wf_same(word, none)) return 1;
  if (wf_kinds[column] == 't') return wf_time(word, &row->number[column]);
  if (wf_kinds[column] == 'b' && wf_same(word, yes)) { row->number[column] = 1.0; return 1; }
  if (wf_kinds[column] == 'b' && wf_same(word, no)) { row->number[column] = 0.0; return 1; }
  if (wf_kinds[column] == 'b') return 0;
  row->number[column] = strtod(word, &end);
  return !*end;
}

#ifdef WF_MAIN
@main@
#endif
#endif
