/* trust.c - see trust.h. */
#include "trust.h"

static const struct {
	const char *name;
	const char *text;
	uint8_t alert;
} table[] = {
#define TRUST(name, alert, text) {#name, text, alert},
#include "trust.def"
#undef TRUST
};

const char *trust_text(enum trust trust)
{
	return table[trust].text;
}

const char *trust_name(enum trust trust)
{
	return table[trust].name;
}

uint8_t trust_alert(enum trust trust)
{
	return table[trust].alert;
}
