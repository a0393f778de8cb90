/* text.h - which characters a policy file may hold at all.
 * Checked once over the whole file, before any scanner looks at it. */
#ifndef GRAMMAR_TEXT_H
#define GRAMMAR_TEXT_H

enum text_fault {
	TEXT_OK = 0,       /* end of text */
	TEXT_INVALID_UTF8, /* the byte at *START begins no character */
	TEXT_NUL,          /* U+0000 */
	TEXT_CONTROL,      /* C0 but tab and line breaks, DEL, C1 */
	TEXT_DIRECTION,    /* marks that reorder what a reader sees */
	TEXT_BYTE_ORDER,   /* U+FEFF after the start */
	TEXT_LINE_BREAK,   /* CR without LF, NEL, LS, PS: lines to some
			    * programs and not to others */
	TEXT_NONCHARACTER, /* U+FFFE, U+FFFF: not YAML */
};

/* From *CURSOR to the first fault before LIMIT.  *LIMIT is '\n' and LIMIT[1] is
 * NUL.  On a fault *START and *CURSOR are its two ends; on TEXT_OK both are
 * LIMIT. */
enum text_fault text_check(const unsigned char **cursor,
			   const unsigned char **start,
			   const unsigned char *limit);

#endif
