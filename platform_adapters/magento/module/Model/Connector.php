<?php

declare(strict_types=1);

namespace Storebridge\Connect\Model;

use Magento\Framework\Encryption\EncryptorInterface;
use Magento\Framework\Exception\LocalizedException;
use Magento\Framework\Webapi\Exception as WebapiException;
use Magento\Integration\Api\IntegrationServiceInterface;
use Magento\Integration\Api\OauthServiceInterface;
use Magento\Integration\Model\Integration;

/**
 * Connecting. The integration of etc/integration is activated in Magento's own way: the consumer's keys and a
 * verifier go to the bridge, which exchanges them for a token. Then the bridge is asked to connect, and calls back to
 * see that the code is ours.
 */
class Connector
{
    public const INTEGRATION = 'Storebridge';
    private const PENDING = 'pending';
    private const GOOD_FOR = 600;

    public function __construct(
        private readonly IntegrationServiceInterface $integrations,
        private readonly OauthServiceInterface $oauth,
        private readonly Settings $settings,
        private readonly Client $client,
        private readonly Memory $memory,
        private readonly EncryptorInterface $encryptor,
        private readonly Edition $edition
    ) {
    }

    /**
     * One click on our own page: the activation is begun here.
     */
    public function connect(string $user, string $locale): Told
    {
        $integration = $this->prepared();
        $this->oauth->deleteIntegrationToken($integration->getConsumerId());
        $integration->setStatus(Integration::STATUS_INACTIVE)->save();
        $this->oauth->postToConsumer($integration->getConsumerId(), $integration->getEndpoint());
        return $this->ask($this->consumerKey($integration), $user, $locale);
    }

    /**
     * The pop-up of Magento's own "Activate": Magento has posted the activation itself. Only who knows the key gets on.
     */
    public function activate(string $consumerKey): Told
    {
        $integration = $this->integration();
        if ($consumerKey === '' || !hash_equals($this->consumerKey($integration), $consumerKey)) {
            return new Told(403, (string)__('This is no activation of this store.'));
        }
        return $this->ask($consumerKey, '', '');
    }

    /**
     * The callback and the identity link belong to the bridge's address, which is a setting.
     */
    public function prepared(): Integration
    {
        $integration = $this->integration();
        if ($this->settings->bridge() === '') {
            throw new LocalizedException(__('Enter the address of Storebridge first.'));
        }
        return $this->integrations->update([
            Integration::ID => $integration->getId(),
            Integration::NAME => $integration->getName(),
            Integration::ENDPOINT => $this->settings->bridge() . '/modules/activate/magento',
            Integration::IDENTITY_LINK_URL => $this->settings->storeUrl() . 'storebridge/activate/index',
            Integration::SETUP_TYPE => Integration::TYPE_CONFIG,
        ]);
    }

    /**
     * @return array {challenge, store_url, secret}
     * @throws WebapiException for a code that is wrong, used or too old; each is looked at once
     */
    public function prove(string $code, string $challenge): array
    {
        $pending = $this->memory->get(self::PENDING);
        $known = is_array($pending) ? (string)$pending['code'] : '';
        if ($known === '' || !hash_equals($known, hash('sha256', $code))) {
            throw new WebapiException(__('This connection code is not known.'), 0, WebapiException::HTTP_FORBIDDEN);
        }
        $this->memory->set([self::PENDING => ['code' => ''] + $pending]);
        if ((int)$pending['until'] < time()) {
            throw new WebapiException(__('This connection code is too old.'), 0, WebapiException::HTTP_FORBIDDEN);
        }
        return [
            'challenge' => $challenge,
            'store_url' => $this->settings->storeUrl(),
            'secret' => $this->encryptor->decrypt($pending['secret']),
        ];
    }

    public function disconnect(string $user, string $reason = 'disconnected'): void
    {
        if ($this->settings->isConnected()) {
            $this->client->tell('gone', ['reason' => $reason, 'user' => $user]);
        }
        $this->settings->disconnected();
        $integration = $this->integration();
        $this->oauth->deleteIntegrationToken($integration->getConsumerId());
        $integration->setStatus(Integration::STATUS_INACTIVE)->save();
    }

    private function ask(string $consumerKey, string $user, string $locale): Told
    {
        [$code, $secret] = [bin2hex(random_bytes(32)), bin2hex(random_bytes(32))];
        $this->memory->set([self::PENDING => [
            'code' => hash('sha256', $code),
            'until' => time() + self::GOOD_FOR,
            'secret' => $this->encryptor->encrypt($secret),
        ]]);
        $told = $this->client->ask($this->settings->bridge() . '/modules/connect', [
            'platform' => 'magento',
            'store_url' => $this->settings->storeUrl(),
            'api_url' => $this->settings->apiUrl(),
            'code' => $code,
            'version' => Settings::VERSION,
            'platform_version' => $this->edition->named(),
            'user' => $user,
            'locale' => $locale,
            'install_key' => $this->settings->installKey(),
            'activation' => $consumerKey,
        ]);
        $this->memory->set([self::PENDING => null]);
        $answer = $told->json();
        if ($told->status !== 200 || empty($answer['shop']) || empty($answer['connection'])) {
            $isOther = $told->status === 200;
            return $isOther ? new Told(502, (string)__('This is not the address of a Storebridge.')) : $told;
        }
        $title = (string)($answer['title'] ?? '');
        $this->settings->connected((string)$answer['shop'], (string)$answer['connection'], $title, $secret);
        $this->memory->set(['failures' => 0, 'next_at' => 0, 'said' => '', 'last_status' => 200]);
        return $told;
    }

    private function consumerKey(Integration $integration): string
    {
        return (string)$this->oauth->loadConsumer($integration->getConsumerId())->getKey();
    }

    private function integration(): Integration
    {
        $integration = $this->integrations->findByName(self::INTEGRATION);
        if (!$integration->getId()) {
            throw new LocalizedException(__('The integration is missing. Run bin/magento setup:upgrade.'));
        }
        return $integration;
    }
}
