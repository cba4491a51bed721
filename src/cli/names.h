/* names.h - the names of the plug-in tables, as choices of an option. */
#ifndef RF_CLI_NAMES_H
#define RF_CLI_NAMES_H

#define RF_NAMES_MAX 32

/* Fill with the names of the table and a NULL. */
void rf__names_of_guidances(const char *names[RF_NAMES_MAX]);
void rf__names_of_solvers(const char *names[RF_NAMES_MAX]);
void rf__names_of_schedules(const char *names[RF_NAMES_MAX]);
void rf__names_of_policies(const char *names[RF_NAMES_MAX]);
void rf__names_of_edits(const char *names[RF_NAMES_MAX]);
void rf__names_of_extractors(const char *names[RF_NAMES_MAX]);
void rf__names_of_admissions(const char *names[RF_NAMES_MAX]);

#endif
