/* Names of files. */
#ifndef Py_OSDEFS_H
#define Py_OSDEFS_H

#ifndef SEP
#  define SEP L'/'
#endif
#ifndef DELIM
#  define DELIM L':'
#endif
#ifndef MAXPATHLEN
#  if defined(PATH_MAX) && PATH_MAX > 1024
#    define MAXPATHLEN PATH_MAX
#  else
#    define MAXPATHLEN 1024
#  endif
#endif

#endif
