export const clientSecretPost = {
  name: 'client_secret_post',
  usesSecret: true,
  isReusable: true,
  read: ({ clientId, clientSecret }) => (clientSecret === '' ? undefined : { clientId, proof: clientSecret }),
  verify: ({ clientId, proof }, candidate, { secrets }) => secrets.verify(clientId, candidate, proof),
}
//# sourceMappingURL=client_secret_post.js.map
