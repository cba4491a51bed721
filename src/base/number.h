/* number.h - numbers in texts with a point, whatever locale the host of the library has set. */
#ifndef RF_BASE_NUMBER_H
#define RF_BASE_NUMBER_H
#include <stddef.h>

/* strtod of the C locale. */
double rf__number_read(const char *text, char **end);
/* snprintf of the C locale. */
__attribute__((format(printf, 3, 4))) int rf__number_print(char *out, size_t size, const char *format, ...);

#endif
