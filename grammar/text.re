/* text.re - the characters of a policy file: valid UTF-8 (no overlong forms, no
 * surrogates, nothing beyond U+10FFFF) and of that what YAML calls printable,
 * less the marks with which text can be made to look like something else.
 * Contract for the end of input: sentinel NUL at LIMIT[1]; no rule but the one
 * for NUL itself matches NUL. */
#include "grammar/text.h"

enum text_fault text_check(const unsigned char **cursor,
			   const unsigned char **start,
			   const unsigned char *limit)
{
	const unsigned char *YYCURSOR = *cursor;
	const unsigned char *YYMARKER;
	enum text_fault fault;

	for (;;) {
		*start = YYCURSOR;
		/*!re2c
		re2c:define:YYCTYPE = "unsigned char";
		re2c:yyfill:enable = 0;
		re2c:encoding:utf8 = 1;
		re2c:sentinel = 0;

		ascii     = [\t\n\x20-\x7e];
		direction = [\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069];
		breaks    = [\u0085\u2028\u2029];
		control   = [\x01-\x08\x0b\x0c\x0e-\x1f\x7f\u0080-\u009f] \ breaks;
		strange   = [\ufffe\uffff];
		printable = [\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]
		            \ direction \ breaks;

		ascii+        { continue; }
		printable     { continue; }
		"\r\n"        {
			if (YYCURSOR <= limit)
				continue;
			YYCURSOR = limit;
			fault = TEXT_LINE_BREAK;
			break;
		}
		"\x00"        {
			if (*start >= limit) {
				*start = *cursor = limit;
				return TEXT_OK;
			}
			fault = TEXT_NUL;
			break;
		}
		"\r"          { fault = TEXT_LINE_BREAK; break; }
		breaks        { fault = TEXT_LINE_BREAK; break; }
		control       { fault = TEXT_CONTROL; break; }
		direction     { fault = TEXT_DIRECTION; break; }
		"\ufeff"      { fault = TEXT_BYTE_ORDER; break; }
		strange       { fault = TEXT_NONCHARACTER; break; }
		*             {
			/* one fault for all bytes of the failed attempt */
			while ((*YYCURSOR & 0xc0) == 0x80)
				YYCURSOR++;
			fault = TEXT_INVALID_UTF8;
			break;
		}
		*/
	}
	*cursor = YYCURSOR;
	return fault;
}
