// A promise and its handle, for tests that wait on an event (Promise.withResolvers came with Node 22).

export type Deferred<Value> = { readonly promise: Promise<Value>; readonly resolve: (value: Value) => void }

export function deferred<Value = void>(): Deferred<Value> {
  let resolve: (value: Value) => void = () => {}
  const promise = new Promise<Value>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
