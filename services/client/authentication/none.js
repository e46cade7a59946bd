const name = 'none'
export const none = {
  name,
  usesSecret: false,
  isReusable: true,
  read: ({ authorization, clientId, clientSecret, clientAssertion, clientAssertionType }) =>
    authorization || clientSecret || clientAssertion || clientAssertionType ? undefined : { clientId, proof: '' },
  verify: async (_shown, candidate) => candidate.method === name,
}
//# sourceMappingURL=none.js.map
