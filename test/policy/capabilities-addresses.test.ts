// One place, one spelling: two ways to write an address come out the same, and tricks do not come out at all.
import { expect, test } from 'vitest'
import { hostName, repositoryName, urlName } from '../../src/authorize/capabilities/addresses.ts'

test.each([
  ['https://mcp.example.com', 'https://mcp.example.com/'],
  ['HTTPS://MCP.Example.COM:443/Path', 'https://mcp.example.com/Path'],
  ['https://mcp.example.com./x', 'https://mcp.example.com/x'],
  ['http://localhost:8080/mcp', 'http://localhost:8080/mcp'],
  ['https://mcp.example.com/a%20b', 'https://mcp.example.com/a%20b'],
  ['https://mcp.example.com/a,b*!c', 'https://mcp.example.com/a%2Cb%2A%21c'],
  // What is in a query may be a secret; that there is one still tells two addresses apart.
  ['https://mcp.example.com/x?key=secret', 'https://mcp.example.com/x?query'],
])('%s is %s', (written, name) => {
  expect(urlName(written, 'url')).toBe(name)
  expect(urlName(name.replace('?query', ''), 'url')).toBe(name.replace('?query', ''))
})

test.each([
  'ftp://mcp.example.com/',
  'https:/mcp.example.com/',
  'https:\\\\mcp.example.com/',
  'https://good.example.com@evil.example.com/',
  'https://good.example.com%2f@evil.example.com/',
  'https://evil.example.com\\@good.example.com/',
  'https://mcp.example.com/a/../b',
  'https://mcp.example.com/a/%2e%2e/b',
  'https://mcp.example.com/a/..%2Fb',
  'https://mcp.example.com/a/..',
  'https://mcp.example.com/#fragment',
  'https://mcp.example.com/\tx',
  ' https://mcp.example.com/',
  'https://mcp.example.com/\n',
  'https://mcp。example.com/',
  'https://[::1]/',
  'https:///x',
  'https://*/',
  '',
  7,
])('%s is no address', (written) => {
  expect(() => urlName(written, 'tools.0.url')).toThrow('`tools.0.url` is not a plain')
})

// With a pattern that backtracks this would not end within the test's time.
test('a long address that almost is one is refused', () => {
  for (const tail of ['a.', 'a-', '/..%', '..']) {
    expect(() => urlName(`https://${tail.repeat(900)}\u0000`, 'url')).toThrow('url')
    expect(() => hostName(`${tail.repeat(100)}\u0000`, 'url')).toThrow('url')
  }
})

test('a repository has one name, whatever github.com takes for it', () => {
  for (const written of [
    'https://github.com/acme/app',
    'https://github.com/Acme/APP.git',
    'https://github.com/acme/app//',
  ]) {
    expect(repositoryName(written, 'url')).toBe('https://github.com/acme/app')
  }
  expect(repositoryName('https://git.example.com/Acme/App.git', 'url')).toBe(
    'https://git.example.com/Acme/App.git',
  )
})

test.each([
  ['API.example.com', 'api.example.com'],
  ['api.example.com.', 'api.example.com'],
  ['*.example.com', '.example.com'],
  ['*', '*'],
  ['192.0.2.1', '192.0.2.1'],
])('host %s is %s', (written, name) => {
  expect(hostName(written, 'host')).toBe(name)
})

test.each(['https://a.b', 'a.b:80', 'a.b/c', 'a*.b', '*.*.b', 'a b', '.a', '', 'bücher.example', null])(
  '%s is no host',
  (written) => {
    expect(() => hostName(written, 'host')).toThrow('`host` is not a plain host name')
  },
)
