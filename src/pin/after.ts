// Going on at once where the value is there, and later where it must be waited for: a promise is paid by every request.

/** `next` of the value; a promise only when the value is one, or `next` makes one. */
export function after<Value, Result>(
  value: Value | Promise<Value>,
  next: (value: Value) => Result | Promise<Result>,
): Result | Promise<Result> {
  return value instanceof Promise ? value.then(next) : next(value)
}
