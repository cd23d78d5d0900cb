// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "ktap.h"

/* Values that two names share (EWOULDBLOCK, ENOTSUP, EDEADLOCK) have the name the kernel's headers
 * define first. */
#define NAME(error) [error] = #error

static const char *const names[] = {
	NAME(EPERM),	    NAME(ENOENT),	NAME(ESRCH),	       NAME(EINTR),
	NAME(EIO),	    NAME(ENXIO),	NAME(E2BIG),	       NAME(ENOEXEC),
	NAME(EBADF),	    NAME(ECHILD),	NAME(EAGAIN),	       NAME(ENOMEM),
	NAME(EACCES),	    NAME(EFAULT),	NAME(ENOTBLK),	       NAME(EBUSY),
	NAME(EEXIST),	    NAME(EXDEV),	NAME(ENODEV),	       NAME(ENOTDIR),
	NAME(EISDIR),	    NAME(EINVAL),	NAME(ENFILE),	       NAME(EMFILE),
	NAME(ENOTTY),	    NAME(ETXTBSY),	NAME(EFBIG),	       NAME(ENOSPC),
	NAME(ESPIPE),	    NAME(EROFS),	NAME(EMLINK),	       NAME(EPIPE),
	NAME(EDOM),	    NAME(ERANGE),	NAME(EDEADLK),	       NAME(ENAMETOOLONG),
	NAME(ENOLCK),	    NAME(ENOSYS),	NAME(ENOTEMPTY),       NAME(ELOOP),
	NAME(ENOMSG),	    NAME(EIDRM),	NAME(ENOSTR),	       NAME(ENODATA),
	NAME(ETIME),	    NAME(ENOSR),	NAME(EREMOTE),	       NAME(ENOLINK),
	NAME(EPROTO),	    NAME(EBADMSG),	NAME(EOVERFLOW),       NAME(EBADFD),
	NAME(EILSEQ),	    NAME(ERESTART),	NAME(EUSERS),	       NAME(ENOTSOCK),
	NAME(EDESTADDRREQ), NAME(EMSGSIZE),	NAME(EPROTOTYPE),      NAME(ENOPROTOOPT),
	NAME(EOPNOTSUPP),   NAME(EAFNOSUPPORT), NAME(EADDRINUSE),      NAME(ENETDOWN),
	NAME(ECONNABORTED), NAME(ECONNRESET),	NAME(ENOBUFS),	       NAME(EISCONN),
	NAME(ENOTCONN),	    NAME(ETIMEDOUT),	NAME(ECONNREFUSED),    NAME(EALREADY),
	NAME(EINPROGRESS),  NAME(ESTALE),	NAME(EREMOTEIO),       NAME(EDQUOT),
	NAME(ECANCELED),    NAME(EOWNERDEAD),	NAME(ENOTRECOVERABLE), NAME(EHWPOISON),
};

const char *fp_errno_name(int error)
{
	static char unnamed[32];

	if (error > 0 && (size_t)error < sizeof(names) / sizeof(names[0]) && names[error])
		return names[error];
	snprintf(unnamed, sizeof(unnamed), "errno %d", error);
	return unnamed;
}
