/* gnuplot.h - figures, drawn by gnuplot as a process. */
#ifndef RF_BASE_GNUPLOT_H
#define RF_BASE_GNUPLOT_H
#include "status.h"

/* Run `script` inside `folder`. It must write each picture to NAME.part; pictures (NULL-terminated) are their NAMEs, and each is renamed
 * when gnuplot has ended well, so that a reader never sees half a picture. false: no picture was made and a message says why; not an
 * error, because nobody's numbers depend on a figure. */
bool rf__gnuplot(const char *folder, const char *script, const char *const *pictures);

#endif
