/* drain.c - see drain.h. */
#include "drain.h"

#include <stdio.h>

#define DURATION_TEXT 48

/* As Go prints a duration: "8h20m0s", "1.5s", "250ms". */
static const char *duration(uint64_t ms, char out[DURATION_TEXT])
{
	uint64_t seconds = ms / 1000, rest = ms % 1000;
	char fraction[8] = "";

	if (ms < 1000) {
		snprintf(out, DURATION_TEXT, ms == 0 ? "0s" : "%llums",
			 (unsigned long long)ms);
		return out;
	}
	if (rest != 0) {
		int digits = rest % 100 == 0 ? 1 : rest % 10 == 0 ? 2 : 3;

		snprintf(fraction, sizeof(fraction), ".%03u", (unsigned)rest);
		fraction[1 + digits] = '\0';
	}
	if (seconds >= 3600)
		snprintf(out, DURATION_TEXT, "%lluh%llum%llu%ss",
			 (unsigned long long)(seconds / 3600),
			 (unsigned long long)(seconds / 60 % 60),
			 (unsigned long long)(seconds % 60), fraction);
	else if (seconds >= 60)
		snprintf(out, DURATION_TEXT, "%llum%llu%ss",
			 (unsigned long long)(seconds / 60),
			 (unsigned long long)(seconds % 60), fraction);
	else
		snprintf(out, DURATION_TEXT, "%llu%ss",
			 (unsigned long long)seconds, fraction);
	return out;
}

void drain_begin(struct drain *drain, struct log *log,
		 const struct settings *settings, uint64_t now)
{
	*drain = (struct drain){
		.began = now,
		.next_check = now,
		/* without an idle timeout nothing counts as idle before the
		 * exit timeout does */
		.idle_ms = settings->idle_timeout_ms != 0
				   ? settings->idle_timeout_ms
				   : settings->exit_timeout_ms,
		.exit_ms = settings->exit_timeout_ms,
	};
	log_message(log, LOG_INFO, "quitting gracefully");
	log_message(log, LOG_INFO, "Waiting for all connections to close...");
	log_message(log, LOG_INFO,
		    "Waiting for all connections to become idle...");
}

bool drain_check(struct drain *drain, struct log *log, uint64_t now,
		 unsigned live, uint64_t last_activity)
{
	uint64_t quiet = now > last_activity ? now - last_activity : 0;
	char text[128], span[DURATION_TEXT];

	if (live == 0) {
		log_message(log, LOG_INFO,
			    "All connections are closed. Continuing with "
			    "shutdown...");
		log_message(log, LOG_INFO,
			    "All connections closed: closing all remaining "
			    "connections.");
		return true;
	}
	if (now - drain->began >= drain->exit_ms) {
		snprintf(text, sizeof(text),
			 "ExitTimeout %s reached - timing out",
			 duration(drain->exit_ms, span));
		log_message(log, LOG_INFO, text);
		log_message(log, LOG_INFO,
			    "Timed out waiting for connections to become idle: "
			    "closing all remaining connections.");
		return true;
	}
	if (now < drain->next_check)
		return false;
	if (quiet >= drain->idle_ms) {
		log_message(log, LOG_INFO,
			    "All connections are idle. Continuing with "
			    "shutdown...");
		log_message(log, LOG_INFO,
			    "All connections idle: closing all remaining "
			    "connections.");
		return true;
	}
	drain->next_check = now + (drain->idle_ms - quiet);
	snprintf(text, sizeof(text),
		 "There are still active connections. Waiting %s before "
		 "checking again.",
		 duration(drain->idle_ms - quiet, span));
	log_message(log, LOG_INFO, text);
	return false;
}
