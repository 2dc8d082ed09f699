//! Docstrings of more than a line.

/// `Pickler`
pub const PICKLER: &str = "This takes a binary file for writing a pickle data stream.

The optional *protocol* argument tells the pickler which protocol to use, 0 to 5; it is 5 by default, and the highest there is when it is
negative.  The higher the protocol, the more recent the Python that is needed to read the pickle.

The *file* argument must have a write() method that accepts a single bytes argument.

With *fix_imports* and a protocol below 3, names are mapped to those of Python 2.

*buffer_callback*, which needs protocol 5, is called with each PickleBuffer; where it returns a false value, the buffer is out-of-band,
and not part of the pickle.";

/// `Pickler.clear_memo`
pub const CLEAR_MEMO: &str = "Clears the pickler's \"memo\".

The memo is the data structure that remembers which objects the pickler has already seen, so that shared or recursive objects are pickled
by reference and not by value.  This method is useful when re-using picklers.";

/// `Unpickler`
pub const UNPICKLER: &str = "This takes a binary file for reading a pickle data stream.

The protocol of the pickle is detected.  Bytes past the pickled object's representation are ignored.

The argument *file* must have a read() method that takes an integer argument and a readline() method that requires no arguments, both of
which return bytes.

*fix_imports*, *encoding* and *errors* are for pickles of Python 2: whether its names are mapped to the new ones, and how its 8-bit strings
are decoded; they stay bytes where the *encoding* is 'bytes'.  *buffers* gives the buffers that were pickled out-of-band.";

/// `Unpickler.find_class`
pub const FIND_CLASS: &str = "Return an object from a specified module.

If necessary, the module will be imported.  Subclasses may override this method (e.g. to restrict unpickling of arbitrary classes and
functions).

This method is called whenever a class or a function object is needed.  Both arguments passed are str objects.";
