#include "progress.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "grammar/arena.h"
#include "quote.h"

#define FIRST_MILLISECONDS 1000
#define NEXT_MILLISECONDS 200
/* Text of the line: narrower than any terminal, so that it never wraps. */
#define LINE_MAX_BYTES 76
#define ERASE "\r\033[K"

/* Shared with the signal handler, which runs only while it is not blocked. */
static char line[sizeof(ERASE) + LINE_MAX_BYTES + 1];
static size_t line_length; /* 0: nothing to show */
static bool line_new;      /* not drawn yet */
static bool drawn;         /* something is on the screen */
static bool active;
static struct sigaction before;

static void draw(int number)
{
	int error = errno;

	(void)number;
	if (line_length > 0 && line_new) {
		/* Of no consequence if it fails. */
		drawn = write(STDERR_FILENO, line, line_length) > 0;
		line_new = false;
	}
	errno = error;
}

static void block(sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, old);
}

static void set_timer(long first, long next)
{
	struct itimerval timer = {
		.it_value = {first / 1000, first % 1000 * 1000},
		.it_interval = {next / 1000, next % 1000 * 1000},
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* see progress.h */
void progress_start(bool quiet)
{
	const char *terminal = getenv("TERM");
	struct sigaction action = {.sa_handler = draw, .sa_flags = SA_RESTART};

	if (quiet || terminal == NULL || strcmp(terminal, "dumb") == 0 ||
	    !isatty(STDERR_FILENO))
		return;
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGALRM, &action, &before) != 0)
		return;
	active = true;
	set_timer(FIRST_MILLISECONDS, NEXT_MILLISECONDS);
}

/* The end of NAME that fits into ROOM bytes, in whole characters. */
static const char *tail(const char *name, size_t room, bool *cut)
{
	size_t length = strlen(name);

	*cut = length > room;
	if (!*cut)
		return name;
	name += length - room;
	while ((*name & 0xc0) == 0x80)
		name++;
	return name;
}

/* see progress.h */
void progress_show(const char *verb, uint32_t index, uint32_t count,
		   const char *name)
{
	sigset_t old;
	char start[48];

	if (!active)
		return;
	if (strcmp(name, "-") == 0)
		name = "<stdin>";
	if (count > 1)
		snprintf(start, sizeof(start), "%s %u of %u: ", verb, index,
			 count);
	else
		snprintf(start, sizeof(start), "%s ", verb);

	struct arena *arena = arena_new();
	const char *shown = quote_visible(arena, str_from(name));
	bool cut;

	shown = tail(shown, LINE_MAX_BYTES - strlen(start) - 3, &cut);
	block(&old);
	snprintf(line, sizeof(line), ERASE "%s%s%s", start, cut ? "..." : "",
		 shown);
	line_length = strlen(line);
	line_new = true;
	sigprocmask(SIG_SETMASK, &old, NULL);
	arena_free(arena);
}

/* see progress.h */
void progress_hide(void)
{
	sigset_t old;

	if (!active)
		return;
	block(&old);
	line_length = 0;
	if (drawn)
		drawn = write(STDERR_FILENO, ERASE, sizeof(ERASE) - 1) < 0;
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* see progress.h */
void progress_stop(void)
{
	if (!active)
		return;
	set_timer(0, 0);
	progress_hide();
	sigaction(SIGALRM, &before, NULL);
	active = false;
}
