/* main.c - the program: libsmokescreen with nothing of its own. */
#include <signal.h>
#include <stdio.h>

#include "smokescreen.h"

int main(int argc, char **argv)
{
	struct smokescreen *proxy = smokescreen_new();
	int status;

	if (proxy == NULL) {
		fputs("smokescreen: out of memory or descriptors\n", stderr);
		return 1;
	}
	status = smokescreen_run(proxy, argc, argv);
	smokescreen_free(proxy);
	/* whoever waits for us shall see what ended us */
	if (status == 128 + SIGINT) {
		signal(SIGINT, SIG_DFL);
		raise(SIGINT);
	}
	return status;
}
