<?php

declare(strict_types=1);

use Magento\Framework\App\ResourceConnection;
use Magento\Framework\DB\Adapter\Adapter;
use Magento\Framework\Mview\ConfigInterface;
use PHPUnit\Framework\TestCase;
use Storebridge\Connect\Model\Page;
use Storebridge\Connect\Plugin\Views;

final class PageTest extends TestCase
{
    public function testAsksForThePageAsTheContractHasItAndKeepsTheStylesheet(): void
    {
        $world = (new World())->connected();
        $world->answer = ['status' => 200, 'html' => '<p>Hi</p>', 'style' => '.sb{}'];
        $user = new Magento\User\Model\User(['id' => 1, 'name' => 'Anna', 'interface_locale' => 'nl_NL']);
        $query = ['path' => 'orders', 'key' => 'secret', 'state' => ['open', 'late'], 'page' => 2];
        $form = ['form_key' => 'k', 'note' => 'Hi', 'odd' => [['deep']]];
        $told = $this->page($world, ['Storebridge_Connect::page'])->asked('POST', 'orders/12', $query, $form, [], $user);
        self::assertTrue($told->isGenuine);
        [$body] = $world->told('page');
        self::assertSame(['POST', 'orders/12', ['open', 'late'], ['2']], [
            $body['method'],
            $body['path'],
            $body['query']['state'],
            $body['query']['page'],
        ]);
        self::assertSame(['state', 'page'], array_keys($body['query']), 'neither the secret key nor the path');
        self::assertSame(['note' => ['Hi'], 'odd' => []], $body['form']);
        self::assertSame([['id' => '1', 'name' => 'Anna'], ['view'], 'nl_NL'], [$body['user'], $body['can'], $body['locale']]);
        self::assertSame(['name' => 'form_key', 'value' => 'form-key'], $body['frame']['csrf']);
        self::assertSame(substr(hash('sha256', ''), 0, 12), $body['frame']['style']);
        $this->page($world, [])->asked('GET', '', [], [], [], $user);
        self::assertSame(substr(hash('sha256', '.sb{}'), 0, 12), $world->told('page')[1]['frame']['style']);
        self::assertStringContainsString('"form":{}', $world->net->sent[1][1], 'an empty table is no list');
    }

    public function testAStylesheetOfAStrangerIsNotKept(): void
    {
        $world = (new World())->connected();
        [$world->isSigned, $world->answer] = [false, ['style' => 'body{display:none}']];
        $page = $this->page($world, []);
        self::assertFalse($page->asked('GET', '', [], [], [], new Magento\User\Model\User())->isGenuine);
        self::assertSame('', $page->style());
    }

    public function testAViewSubscribesToWhatIsThereAndOthersAreLeftAlone(): void
    {
        $resource = new ResourceConnection();
        $resource->adapter = new class ($resource->adapter->pdo) extends Adapter {
            public function isTableExists(string $table): bool
            {
                return $table !== 'inventory_source_item';
            }

            public function tableColumnExists(string $table, string $column): bool
            {
                return $column !== 'entity_id';
            }
        };
        $views = new Views($resource);
        $config = $this->createStub(ConfigInterface::class);
        $on = static fn (string $name, string $column): array => [$name => ['name' => $name, 'column' => $column]];
        $of = static fn (string $id, array $on): array => ['view_id' => $id, 'subscriptions' => $on];
        $found = $views->afterGetViews($config, [
            'a' => $of('storebridge_source_item', $on('inventory_source_item', 'source_item_id')),
            'b' => $of('storebridge_product_attribute', $on('catalog_product_entity_int', 'entity_id')),
            'c' => $of('storebridge_reservation', $on('inventory_reservation', 'reservation_id')),
            'd' => $of('catalog_product_price', $on('catalog_product_entity_int', 'entity_id')),
        ]);
        $kept = array_map(static fn (array $view): array => array_keys($view['subscriptions']), $found);
        self::assertSame(
            ['a' => [], 'b' => [], 'c' => ['inventory_reservation'], 'd' => ['catalog_product_entity_int']],
            $kept
        );
        self::assertNull($views->afterGetView($config, null));
    }

    private function page(World $world, array $rights): Page
    {
        return new Page(
            $world->client,
            $world->memory,
            new Magento\Framework\Data\Form\FormKey(),
            new Magento\Framework\AuthorizationInterface($rights)
        );
    }
}
